//! The mail.

use tapwright_phone::Key;

use crate::hand::Hand;

const MAIL: &str = "com.android.email";

#[test]
fn a_letter_is_read_starred_answered_and_moved() {
    for seed in 0..3 {
        let mut hand = Hand::new(seed, MAIL);
        hand.set("mail.letter", "Anna | Boat trip | Do you come on Sunday?");
        let unread: u32 = hand.fact("mail.unread").parse().unwrap();
        hand.tap("Boat trip");
        assert!(hand.shows("Do you come on Sunday?"));
        assert_eq!(hand.fact("mail.unread"), (unread - 1).to_string());
        hand.tap("Star").tap("Reply").write("Yes, gladly").tap("Send");
        assert_eq!(hand.fact("mail.sent.0"), "anna@mail.example | Re: Boat trip | Yes, gladly");
        assert_eq!(hand.fact("mail.starred"), "Boat trip");
        hand.tap("Box");
        assert_eq!(hand.fact("mail.archive"), "Boat trip");
    }
}

#[test]
fn a_new_letter_finds_its_address_and_is_not_lost() {
    let mut hand = Hand::new(1, MAIL);
    hand.tap("Pencil").write("nobody").tap_first("Send");
    assert!(hand.shows("Enter a valid address") && hand.fact("mail.sent.count") == "0");
    hand.press(Key::Back).press(Key::Back);
    assert!(hand.shows("Discard letter?"), "{}", hand.words());
    hand.tap("Cancel").tap_first("Disk");
    assert_eq!(hand.fact("mail.drafts.0"), "nobody |  | ");
    hand.set("mail.full", "true");
    hand.tap("Pencil").write("a@b.example").press(Key::Enter).write("Hello").tap_first("Send");
    assert!(hand.shows("Mailbox is full"));
    hand.set("mail.full", "false").tap_first("Send");
    assert_eq!(hand.fact("mail.sent.0"), "a@b.example | Hello | ");
}

#[test]
fn the_bin_is_emptied_for_good() {
    let mut hand = Hand::new(2, MAIL);
    hand.set("mail.letter", "Ben | Old news | x");
    hand.hold("Old news").tap("Delete");
    assert_eq!(hand.fact("mail.bin"), "Old news");
    hand.world.advance(3000);
    hand.tap("Folders").tap("Bin").tap_first("Bin");
    assert!(hand.shows("deleted for good"), "{}", hand.words());
    hand.tap("Delete");
    assert_eq!(hand.fact("mail.bin"), "");
}
