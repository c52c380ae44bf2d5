//! The files and the gallery, which show the same photos.

use tapwright_phone::{Input, Key};

use crate::hand::Hand;

const FILES: &str = "com.android.documentsui";
const GALLERY: &str = "com.android.gallery3d";
const ALLOWED: &str = "permission.com.android.gallery3d.photos";

fn names(fact: &str) -> Vec<String> {
    fact.split("; ").filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[test]
fn a_document_is_written_renamed_moved_and_copied() {
    for seed in 0..3 {
        let mut hand = Hand::new(seed, FILES);
        hand.tap("Documents").tap("Plus").tap("New document");
        hand.write("Trip to Harbin").press(Key::Enter);
        assert_eq!(names(&hand.fact("files.folder.Documents")).len(), 10, "{}", hand.words());
        assert_eq!(hand.fact("files.file.Trip to Harbin.text"), "");
        hand.seek("Trip to Harbin.txt").tap("Rename");
        for _ in 0.."Trip to Harbin".len() {
            hand.press(Key::Delete);
        }
        hand.write("Winter trip").press(Key::Enter);
        assert!(hand.shows("Winter trip.txt"), "{}", hand.words());
        hand.tap_first("Move").tap("Download");
        assert!(names(&hand.fact("files.folder.Download")).contains(&"Winter trip.txt".to_owned()));
        hand.tap("Copy to").tap("Download").press(Key::Back);
        assert!(names(&hand.fact("files.folder.Download")).contains(&"Winter trip (1).txt".to_owned()));
    }
}

#[test]
fn names_that_are_taken_or_impossible_change_nothing_and_a_full_phone_writes_nothing() {
    let mut hand = Hand::new(1, FILES);
    hand.set("files.file", "Documents | Plan.txt | One").set("files.file", "Documents | Other.txt | Two");
    let before = hand.fact("files.folder.Documents");
    hand.tap("Documents").seek("Other.txt").tap("Rename").press(Key::SelectAll).write("Plan").tap("Check");
    assert!(hand.shows("There is such a name"), "{}", hand.words());
    hand.press(Key::SelectAll).write("a/b").tap("Check");
    assert!(hand.shows("This name cannot be used"));
    assert_eq!(hand.fact("files.folder.Documents"), before);
    hand.press(Key::Back).press(Key::Back).press(Key::Back);
    hand.set("files.full", "true").tap("Plus").tap("New document").write("More").tap("Check");
    assert!(hand.shows("Storage is full"), "{}", hand.words());
    assert_eq!(hand.fact("files.folder.Documents"), before);
    assert!(hand.world.set_fact("files.file", "Documents | Third.txt | x").is_err());
    // Emptying the bin makes room.
    hand.set("files.bin", "Other.txt");
    hand.press(Key::Back).press(Key::Back).tap("Discard").press(Key::Back).tap("Bin");
    hand.tap_first("Bin").tap("Delete");
    assert_eq!((hand.fact("files.bin"), hand.fact("files.full")), (String::new(), "false".into()));
}

#[test]
fn what_is_deleted_lies_in_the_bin_until_it_is_emptied() {
    let mut hand = Hand::new(2, FILES);
    hand.set("files.file", "Download | Old list.txt | x").set("files.file", "Download | New list.txt | y");
    for name in ["Old list.txt", "New list.txt"] {
        hand.tap_first("Download").seek(name).tap("Bin").press(Key::Back);
    }
    assert_eq!(hand.fact("files.bin"), "Old list.txt; New list.txt");
    hand.world.advance(3000);
    hand.tap("Bin").tap("New list.txt").tap("Restore");
    assert!(names(&hand.fact("files.folder.Download")).contains(&"New list.txt".to_owned()));
    hand.world.advance(6000);
    hand.tap("Old list.txt").tap("Delete").tap("Delete");
    assert_eq!(hand.fact("files.bin"), "");
    assert!(!names(&hand.fact("files.folder.Download")).contains(&"Old list.txt".to_owned()));
}

#[test]
fn a_folder_is_made_filled_and_deleted_and_those_of_the_phone_stay() {
    let mut hand = Hand::new(3, FILES);
    hand.set("files.file", "Documents | Ticket.txt | Seat 12A");
    hand.tap("Plus").tap("New folder").write("Trip").press(Key::Enter);
    assert_eq!(hand.fact("files.folders"), "Documents; Download; Music; Pictures; Trip");
    hand.tap("Documents").hold("Ticket.txt").tap("Move").tap("Trip").press(Key::Back);
    assert_eq!(hand.fact("files.folder.Trip"), "Ticket.txt");
    hand.hold("Trip").tap("Delete");
    assert!(hand.shows("Delete folder?"), "{}", hand.words());
    hand.tap("Delete");
    assert_eq!(hand.fact("files.folders"), "Documents; Download; Music; Pictures");
    assert_eq!(hand.fact("files.bin"), "Ticket.txt");
    hand.hold("Pictures");
    assert!(!hand.shows("Delete"), "{}", hand.words());
}

#[test]
fn text_from_another_app_becomes_a_document() {
    let mut hand = Hand::new(1, "com.android.notes");
    hand.set("notes.0", "Buy two tickets");
    hand.hold("tickets").tap("Share").tap("Files").write("Tickets").tap("Check");
    assert_eq!(hand.fact("files.file.Tickets.text"), "Buy two tickets");
    assert!(names(&hand.fact("files.folder.Documents")).contains(&"Tickets.txt".to_owned()));
}

#[test]
fn files_are_found_by_name_and_by_what_they_say() {
    let mut hand = Hand::new(4, FILES);
    hand.set("files.file", "Download | Ticket.txt | Seat 12A by the window");
    hand.tap("Search").write("12a");
    assert!(hand.shows("Ticket.txt"), "{}", hand.words());
    hand.tap("Ticket.txt");
    assert!(hand.shows("Seat 12A by the window"));
}

/// The middle of the first photo of a page.
fn first_photo(hand: &Hand) -> (i32, i32) {
    let tree = hand.world.hierarchy();
    let node = tree.split("<node").find(|node| node.contains(":id/picture\"")).expect("a photo");
    let bounds = node.split("bounds=\"").nth(1).unwrap().split('"').next().unwrap();
    let numbers: Vec<i32> =
        bounds.split(|character: char| !character.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect();
    ((numbers[0] + numbers[2]) / 2, (numbers[1] + numbers[3]) / 2)
}

#[test]
fn the_gallery_shows_nothing_until_it_is_allowed_to() {
    let mut hand = Hand::new(1, GALLERY);
    assert!(hand.shows("may not see your photos"), "{}", hand.words());
    hand.tap("Allow");
    assert!(hand.shows("photos and files?"));
    hand.tap("Deny");
    assert!(hand.shows("may not see your photos"));
    assert_eq!(hand.fact(ALLOWED), "denied");
    hand.tap("Allow").tap("Allow");
    assert!(!hand.shows("may not see your photos"));
    assert_eq!(hand.fact(ALLOWED), "granted");
}

#[test]
fn a_photo_is_kept_put_into_an_album_and_deleted_for_good() {
    for seed in 0..3 {
        let mut hand = Hand::new(seed, GALLERY);
        hand.set(ALLOWED, "granted").set("gallery.photo", "Boat race | Lake | Harbin").set("gallery.albums", "Trips");
        let (x, y) = first_photo(&hand);
        hand.world.input(&Input::Tap { x, y });
        assert!(hand.shows("Boat race") && hand.shows("Harbin"), "{}", hand.words());
        hand.tap("Star");
        assert_eq!(hand.fact("gallery.favourites"), "Boat race");
        hand.tap("Bookmark").tap("Plus").write("Boats").press(Key::Enter).tap("Boats");
        assert_eq!(hand.fact("gallery.album.Boats"), "Boat race");
        hand.tap("Info");
        assert!(hand.shows("Boat race.jpg") && hand.shows("Harbin"));
        hand.press(Key::Back).tap("Bin");
        assert_eq!((hand.fact("gallery.bin"), hand.fact("gallery.album.Boats")), ("Boat race".into(), String::new()));
        assert!(!names(&hand.fact("gallery.photos")).contains(&"Boat race".to_owned()));
        hand.world.advance(3000);
        hand.tap("Bin");
        let (x, y) = first_photo(&hand);
        hand.world.input(&Input::Tap { x, y });
        hand.tap("Restore");
        assert_eq!(hand.fact("gallery.album.Boats"), "Boat race");
    }
}

#[test]
fn an_album_is_renamed_and_deleting_it_keeps_its_photos() {
    let mut hand = Hand::new(2, GALLERY);
    hand.set(ALLOWED, "granted").set("gallery.photo", "Boat race | Lake | Harbin");
    hand.set("gallery.album.Boats", "Boat race").tap_first("Albums");
    let albums = hand.fact("gallery.albums");
    hand.hold("Boats").tap("Rename").press(Key::SelectAll).write("Ships").tap("Check");
    assert_eq!(hand.fact("gallery.albums"), albums.replace("Boats", "Ships"));
    hand.hold("Ships").tap("Delete").tap("Delete");
    assert_eq!(hand.fact("gallery.albums"), albums.replace("; Boats", ""));
    assert!(names(&hand.fact("gallery.photos")).contains(&"Boat race".to_owned()));
}

#[test]
fn facts_that_cannot_be_are_refused_and_say_what_can() {
    let mut hand = Hand::new(1, GALLERY);
    for (name, value, why) in [
        ("gallery.photo", "Boat | Submarine | Harbin", "the subject is a word"),
        ("gallery.favourites", "No such photo", "there is no `No such photo`"),
        ("files.file", "Documents | a/b.txt | x", "cannot be used"),
        ("files.bin", "nothing.txt", "there is no file `nothing.txt`"),
        ("permission.com.android.gallery3d.camera", "granted", "photos"),
        ("permission.org.nobody.photos", "granted", "there is no app"),
        ("permission.com.android.gallery3d.photos", "maybe", "granted, denied or ask"),
        ("dialogs", "soon anr", "3 anr"),
        ("dialogs", "3 storm", "3 anr"),
    ] {
        let error = hand.world.set_fact(name, value).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    hand.set("gallery.favourites", "");
}
