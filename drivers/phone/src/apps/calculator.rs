//! Calculator: four operations, percent, signs, and what was worked out before.

use crate::app::{App, Context, Facts, Manifest};
use crate::command::{Effect, MenuItem, Page, send};
use crate::icon::Icon;
use crate::locale::{COPY, DELETE, Phrase, phrase};
use crate::providers::Providers;
use crate::ui::{EDGE, MEASURE, PadKey, ROW, Row, Style, Ui};

const CALCULATOR: Phrase = phrase("Calculator", "计算器");
const HISTORY: Phrase = phrase("History", "历史记录");
const NO_HISTORY: Phrase = phrase("Nothing worked out yet", "还没有计算记录");
const ERASE: Phrase = phrase("Erase", "退格");
const ERROR: &str = "Error";
/// More is neither typed nor kept.
const CHARACTERS_MAX: usize = 40;
const HISTORY_MAX: usize = 50;
const ORANGE: u32 = 0xE8590C;
const GREY: u32 = 0x64748B;

/// What is being worked out: `12+7×3`.
#[derive(Clone, Debug, Default)]
pub struct Calculator {
    display: String,
    /// Whether the display is a result, which a digit replaces.
    is_result: bool,
    history: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug)]
pub enum Message {
    Key(char),
    Erase,
    Clear,
    Equals,
    Hold,
    ClearHistory,
    Recall(usize),
}

fn is_operator(character: char) -> bool {
    "+-×÷".contains(character)
}

impl Calculator {
    fn press(&mut self, key: char) {
        if self.display == ERROR || (self.is_result && !is_operator(key) && key != '%') {
            self.display.clear();
        }
        self.is_result = false;
        if self.display.chars().count() >= CHARACTERS_MAX {
            return;
        }
        let last = self.display.chars().next_back();
        if is_operator(key) {
            match last {
                None if key != '-' => return,
                // Another operator takes the place of the one before.
                Some(before) if is_operator(before) => {
                    self.display.pop();
                }
                _ => {}
            }
        }
        let number = self.display.rsplit(is_operator).next().unwrap_or("");
        match key {
            '.' if number.contains('.') => return,
            '.' if number.is_empty() => self.display.push('0'),
            '%' if number.is_empty() || number.ends_with('%') => return,
            _ => {}
        }
        self.display.push(key);
    }

    fn work_out(&mut self) {
        if self.display.is_empty() || self.is_result {
            return;
        }
        let result = evaluate(&self.display).map_or_else(|| ERROR.to_owned(), format_number);
        self.history.insert(0, (std::mem::take(&mut self.display), result.clone()));
        self.history.truncate(HISTORY_MAX);
        self.display = result;
        self.is_result = true;
    }
}

/// The value of an expression; `None` if it has none.
fn evaluate(text: &str) -> Option<f64> {
    let mut sums: Vec<f64> = Vec::new();
    let mut operator = '+';
    let mut rest = text.trim_end_matches(is_operator);
    while !rest.is_empty() {
        // A sign belongs to the number if it comes first.
        let skip = usize::from(rest.starts_with('-'));
        let end = rest[skip..].find(is_operator).map_or(rest.len(), |at| at + skip);
        let number = rest[..end].to_owned();
        let value = match number.strip_suffix('%') {
            Some(percent) => percent.parse::<f64>().ok()? / 100.0,
            None => number.parse::<f64>().ok()?,
        };
        match operator {
            '×' => *sums.last_mut()? *= value,
            '÷' if value == 0.0 => return None,
            '÷' => *sums.last_mut()? /= value,
            '-' => sums.push(-value),
            _ => sums.push(value),
        }
        let mut after = rest[end..].chars();
        operator = after.next().unwrap_or('+');
        rest = after.as_str();
    }
    Some(sums.iter().sum())
}

/// A number with at most eight decimals.
fn format_number(value: f64) -> String {
    if !value.is_finite() || value.abs() >= 1e15 {
        return ERROR.to_owned();
    }
    let text = format!("{value:.8}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

fn view_keys(calculator: &Calculator, ui: &mut Ui) {
    let ink = ui.theme.ink;
    let (size, shown) = if calculator.display.chars().count() > 14 { (36.0, 24) } else { (64.0, 14) };
    let skipped = calculator.display.chars().count().saturating_sub(shown);
    let text: String = calculator.display.chars().skip(skipped).collect();
    let text = if text.is_empty() { "0" } else { &text };
    let style = Style { fixed: true, ..Style::new(size, ink) };
    let node = ui.label_right("display", text, EDGE + MEASURE, 2.9 * ROW, style);
    node.hold = Some(send(Message::Hold));
    node.tap = Some(send(Message::Hold));
    let key = |text: &'static str, character: char| PadKey::new(text, send(Message::Key(character)));
    let colored = |color: u32, key: PadKey<'static>| PadKey { color: Some(color), ..key };
    let erase = PadKey { icon: Some(Icon::Erase), ..PadKey::new(ui.say(ERASE), send(Message::Erase)) };
    let lines = [
        vec![
            colored(GREY, PadKey::new("C", send(Message::Clear))),
            colored(GREY, erase),
            colored(GREY, key("%", '%')),
            colored(ORANGE, key("÷", '÷')),
        ],
        vec![key("7", '7'), key("8", '8'), key("9", '9'), colored(ORANGE, key("×", '×'))],
        vec![key("4", '4'), key("5", '5'), key("6", '6'), colored(ORANGE, key("-", '-'))],
        vec![key("1", '1'), key("2", '2'), key("3", '3'), colored(ORANGE, key("+", '+'))],
        vec![key("0", '0'), key(".", '.'), colored(ui.theme.accent, PadKey::new("=", send(Message::Equals)))],
    ];
    let top = 3.7 * ROW;
    ui.keypad(top, (ui.bottom - top - 8.0).min(7.5 * ROW), &lines);
}

impl App for Calculator {
    type Message = Message;

    fn manifest(&self) -> Manifest {
        Manifest {
            package: "com.android.calculator2",
            activity: ".Calculator",
            label: CALCULATOR,
            icon: Icon::Calculator,
            color: 0x334155,
        }
    }

    fn view(&self, page: &Page, _: &Context<'_>, _: &Providers, ui: &mut Ui) {
        if !page.is("history") {
            let title = ui.say(CALCULATOR);
            ui.title_bar(title, false, &[(Icon::Clock, HISTORY, Effect::Open(Page::new("history")).into())]);
            return view_keys(self, ui);
        }
        let title = ui.say(HISTORY);
        ui.title_bar(title, true, &[(Icon::Bin, DELETE, send(Message::ClearHistory))]);
        if self.history.is_empty() {
            let text = ui.say(NO_HISTORY);
            return ui.notice(Icon::Clock, text, None);
        }
        ui.list(self.history.len(), 2.0 * ROW, |ui, i, y| {
            let (sum, result) = &self.history[i];
            let tap = Some(send(Message::Recall(i)));
            ui.row(y, Row { id: "result", title: result, second: sum, tap, ..Row::default() });
        });
    }

    fn update(&mut self, message: Message, context: &Context<'_>, _: &mut Providers) -> Vec<Effect> {
        match message {
            Message::Key(key) => self.press(key),
            Message::Erase => {
                self.is_result = false;
                self.display.pop();
            }
            Message::Clear => {
                self.is_result = false;
                self.display.clear();
            }
            Message::Equals => self.work_out(),
            Message::Hold => {
                let (label, command) = (context.language.say(COPY), Effect::Copy(self.display.clone()).into());
                return vec![Effect::Menu(vec![MenuItem { label, command }])];
            }
            Message::ClearHistory => self.history.clear(),
            Message::Recall(at) => {
                if let Some((_, result)) = self.history.get(at) {
                    self.display = result.clone();
                    self.is_result = true;
                }
                return vec![Effect::Close];
            }
        }
        Vec::new()
    }

    fn facts(&self, _: &Providers, facts: &mut Facts) {
        facts.insert("calculator.display".into(), self.display.clone());
        let last = self.history.first().map(|(sum, result)| format!("{sum}={result}"));
        facts.insert("calculator.last".into(), last.unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_worked_out_as_people_do() {
        for (keys, result) in [
            ("12+7×3", "33"),
            ("10÷4", "2.5"),
            ("1÷0", ERROR),
            ("0.1+0.2", "0.3"),
            ("200×15%", "30"),
            ("-5+2", "-3"),
            ("7--2", "5"),
            ("8×+2", "10"),
            ("1..5+1", "2.5"),
            ("5+", "5"),
            ("9999999999×9999999999", ERROR),
            ("2÷3", "0.66666667"),
        ] {
            let mut calculator = Calculator::default();
            keys.chars().for_each(|key| calculator.press(key));
            calculator.work_out();
            assert_eq!(calculator.display, result, "{keys}");
        }
    }

    #[test]
    fn a_result_is_gone_on_with_or_replaced() {
        let mut calculator = Calculator::default();
        "2+3".chars().for_each(|key| calculator.press(key));
        calculator.work_out();
        "×4".chars().for_each(|key| calculator.press(key));
        calculator.work_out();
        assert_eq!(calculator.display, "20");
        calculator.press('7');
        assert_eq!(calculator.display, "7");
        (0..100).for_each(|_| calculator.press('1'));
        assert_eq!(calculator.display.chars().count(), CHARACTERS_MAX);
        assert_eq!(calculator.history.len(), 2);
    }
}
