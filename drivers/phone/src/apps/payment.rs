//! How apps are paid: a page that says what is paid for and how much, with a field for the wallet's PIN.

use crate::app::Context;
use crate::command::{Command, FieldId};
use crate::icon::Icon;
use crate::locale::{Language, Phrase, phrase};
use crate::providers::Providers;
use crate::providers::wallet::{PaymentError, TRIES_MAX, money};
use crate::ui::{Class, EDGE, MEASURE, ROW, Shape, Style, TextField, Ui};

pub const PIN_FIELD: FieldId = FieldId::new("pin");

pub const PAY: Phrase = phrase("Pay", "支付");
const PAYMENT: Phrase = phrase("Payment", "付款");
const PIN: Phrase = phrase("PIN, 6 digits", "6位支付密码");
const BALANCE: Phrase = phrase("Balance: {}", "余额：{}");
const PAY_AMOUNT: Phrase = phrase("Pay {}", "支付{}");
const WRONG: Phrase = phrase("Wrong PIN. Tries left: {}", "密码错误，还可以试{}次");
const LOCKED: Phrase = phrase("Locked after three wrong PINs", "密码错误三次，支付已锁定");
const TOO_LITTLE: Phrase = phrase("Not enough money in the wallet", "余额不足");

/// Draws the page on which something is paid.
pub fn view(what: &str, cents: i64, pay: Command, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
    let title = ui.say(PAYMENT);
    ui.title_bar(title, true, &[]);
    let (ink, faint, accent) = (ui.theme.ink, ui.theme.faint, ui.theme.accent);
    let wallet = &providers.wallet;
    ui.card("sum", (12.0, 2.1 * ROW, 516.0, 2.1 * ROW));
    let centered = |size: f32, color: u32| Style { centered: true, ..Style::new(size, color) };
    ui.label("what", what, (EDGE, 2.55 * ROW), MEASURE, centered(28.0, faint));
    let bold = Style { bold: true, ..centered(56.0, ink) };
    ui.label("amount", &money(cents), (EDGE, 3.2 * ROW), MEASURE, bold);
    let balance = ui.say_with(BALANCE, &money(wallet.balance));
    ui.label("balance", &balance, (EDGE, 3.85 * ROW), MEASURE, centered(24.0, faint));
    if wallet.is_locked() {
        let rect = ui.rect(EDGE, 4.5 * ROW, 40.0, 40.0);
        ui.add(Class::Image, "locked", rect).shapes.push(Shape::Icon { icon: Icon::Lock, rect, color: DANGER });
        let text = ui.say(LOCKED);
        ui.label("error", text, (80.0, 4.5 * ROW + 20.0), 440.0, Style::new(24.0, DANGER));
        return;
    }
    let state = context.field(&PIN_FIELD);
    let (top, height) = (4.4 * ROW, ROW - 16.0);
    ui.secret_field(TextField {
        id: "pin",
        hint: PIN,
        field: PIN_FIELD,
        state,
        left: EDGE,
        top,
        width: MEASURE,
        height,
    });
    let text = ui.say_with(PAY_AMOUNT, &money(cents));
    ui.button("pay", &text, (EDGE, 5.4 * ROW, MEASURE, ROW - 20.0), accent, pay);
    if 0 < wallet.failures {
        let text = ui.say_with(WRONG, &(TRIES_MAX - wallet.failures).to_string());
        ui.label("error", &text, (EDGE, 6.6 * ROW), MEASURE, Style::new(26.0, DANGER));
    }
}

/// The colour of what went wrong.
pub const DANGER: u32 = 0xDC3545;

/// Why nothing was paid, where the page does not say so by itself.
pub fn refusal(error: PaymentError, language: Language) -> Option<&'static str> {
    match error {
        PaymentError::WrongPin(_) | PaymentError::Locked => None,
        PaymentError::TooLittle => Some(language.say(TOO_LITTLE)),
    }
}
