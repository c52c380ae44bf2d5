//! What people and programs read at the desk. All words in it are a model's, a screen's or a person's, and stay words.

use serde_json::{Value, json};
use tapwright_agent::action::{Action, Call};
use tapwright_agent::guard::Deed;
use tapwright_agent::person::Question;
use tapwright_contract::device::Driver;
use tapwright_contract::gesture::{Abilities, Gesture};
use tapwright_contract::{Size, Spot};

use super::view::RunView;
use super::{DeskState, OpenQuestion, answers};
use crate::headline::EndNotice;
use crate::live::panel;
use crate::page::escaped;
use crate::page::marks::marks;

pub const STYLE: &str = concat!(
    include_str!("../page/shared.css"),
    include_str!("style.css"),
    include_str!("../live/style.css"),
    include_str!("watch.css")
);
pub const SCRIPT: &str = concat!(include_str!("../live/script.js"), include_str!("script.js"));

/// The most bytes of a choice that the model is told of; the field takes no more letters.
const WORDS_MAX: usize = 600;

/// The page as it is now. `note` is about what was sent last; `inline` is the run's screen, for a page that nothing follows.
pub fn page(state: &DeskState, version: u64, note: Option<&str>, inline: Option<&str>) -> String {
    let title = match (&state.open, &state.view) {
        (Some(_), _) => "● A question",
        (None, Some(view)) => view.doing(),
        (None, None) => "Nothing to answer",
    };
    let title = if state.ended.is_some() { "The run is over" } else { title };
    // Whoever sees how it ended has seen it all: nothing answers any more.
    let (refresh, over) = match state.ended {
        None => ("<noscript><meta http-equiv=\"refresh\" content=\"5\"></noscript>\n", ""),
        Some(_) => ("", " data-over"),
    };
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title} · Tapwright</title>\n\
         <style>{STYLE}</style>\n<link rel=\"icon\" href=\"data:,\">\n{refresh}</head>\n\
         <body data-version=\"{version}\"{over}>\n"
    );
    if let Some(note) = note {
        page += &format!("<p class=\"note\" role=\"alert\">{}</p>\n", escaped(note));
    }
    page += "<p class=\"note away\" role=\"alert\" hidden>Nothing answers here: the run is over, or the network is gone.</p>\n\
             <p class=\"note over\" role=\"alert\" hidden>The run is over: <b></b></p>\n";
    match (&state.view, &state.open) {
        (Some(view), _) => write_run(state, view, inline, &mut page),
        (None, Some(open)) => {
            page += "<main class=\"asked\">\n";
            write_question(open, &mut page);
            write_screen(state, open, &mut page);
            about(state, &mut page);
            form(open, &mut page);
            page += "</main>\n";
        }
        (None, None) => idle(state, &mut page),
    }
    page + &format!("<script>{SCRIPT}</script>\n</body>\n</html>\n")
}

fn idle(state: &DeskState, page: &mut String) {
    *page += "<main class=\"idle\">\n";
    match &state.ended {
        Some(EndNotice { headline, .. }) => {
            *page += &format!(
                "<h1>The run is over</h1>\n<p class=\"badges\"><span class=\"badge {}\">{}</span></p>\n",
                headline.mood.id(),
                escaped(&headline.text)
            )
        }
        None => {
            *page += "<h1>Nothing to answer right now</h1>\n<p class=\"soft\">This page shows the next question by itself.</p>\n"
        }
    }
    if let Some(over) = &state.latest {
        *page += &format!("<p class=\"latest\"><b>The last question:</b> {}</p>\n", escaped(&over.how));
    }
    about(state, page);
    *page += "</main>\n";
}

/// A run as it happens: what is asked or what is going on, the screen, the steps.
fn write_run(state: &DeskState, view: &RunView, inline: Option<&str>, page: &mut String) {
    let asked = if state.open.is_some() { " asked-now" } else { "" };
    *page += &format!("<main class=\"watched{asked}\" data-panel>\n<div class=\"told\">\n");
    match (&state.open, &state.ended) {
        (Some(open), _) => {
            write_question(open, page);
            // What the model wants, and why, is the step that stands first.
            *page += &format!("<dl><div><dt>The goal</dt><dd dir=\"auto\">{}</dd></div></dl>\n", escaped(&state.goal));
            form(open, page);
        }
        (None, ended) => {
            let goal = if state.goal.is_empty() { "The run has not begun yet" } else { &state.goal };
            *page += &format!("<section class=\"said\">\n<h1 dir=\"auto\">{}</h1>\n", escaped(goal));
            match ended {
                Some(EndNotice { headline, .. }) => {
                    *page += &format!(
                        "<p class=\"lead\">The run is over</p>\n<p class=\"badges\"><span class=\"badge {}\">{}</span></p>\n",
                        headline.mood.id(),
                        escaped(&headline.text)
                    )
                }
                None => *page += &format!("<p class=\"state\">Step <b>{}</b>: it {}</p>\n", view.step(), view.doing()),
            }
            if let Some(over) = &state.latest {
                *page += &format!("<p class=\"latest\"><b>The last question:</b> {}</p>\n", escaped(&over.how));
            }
            *page += "</section>\n";
        }
    }
    *page += &view.steps();
    *page += "</div>\n";
    match &state.open {
        Some(open) if open.live.is_some() => {
            let abilities = state.driver.as_ref().map_or(Abilities::PHONE, Driver::abilities);
            *page += &format!("<figure>\n{}</figure>\n", panel(&abilities));
        }
        Some(open) if open.screen.is_some() => write_screen(state, open, page),
        _ => *page += &view.figure(inline),
    }
    *page += "</main>\n";
}

/// What is asked.
fn write_question(open: &OpenQuestion, page: &mut String) {
    let (question, is_live) = (&open.question, open.live.is_some());
    let lead = if is_live { "It asks you to take over: the screen is yours until you answer" } else { lead(question) };
    *page += &format!("<section class=\"question said\">\n<p class=\"lead\">{lead}</p>\n");
    let message = match question.message().trim() {
        "" => "(it does not say what for)",
        message => message,
    };
    *page += &format!("<h1 dir=\"auto\">{}</h1>\n</section>\n", escaped(message));
}

/// What the model saw, with the place that the question is about.
fn write_screen(state: &DeskState, open: &OpenQuestion, page: &mut String) {
    let OpenQuestion { id, question, screen, .. } = open;
    if let Some(screen) = screen {
        let size = screen.picture.size();
        *page += &format!(
            "<figure><div class=\"phone\"><img alt=\"what the model saw\" width=\"{w}\" height=\"{h}\" src=\"picture-{id}.png\">\
             <svg viewBox=\"0 0 {w} {h}\" aria-hidden=\"true\">{}</svg></div></figure>\n",
            place(state, question, size).map(|at| marks(&Deed::Gesture(Gesture::Tap { at }), size)).unwrap_or_default(),
            w = size.width,
            h = size.height,
        );
    }
}

/// What can be answered.
fn form(open: &OpenQuestion, page: &mut String) {
    let OpenQuestion { id, question, .. } = open;
    *page += &format!("<form method=\"post\" action=\"answer\"><input type=\"hidden\" name=\"id\" value=\"{id}\">\n");
    if let Question::Choose { .. } = question {
        *page += &format!(
            "<label for=\"words\">Your answer</label>\n<textarea id=\"words\" name=\"words\" rows=\"2\" maxlength=\"{WORDS_MAX}\" required dir=\"auto\" \
             autocomplete=\"off\"></textarea>\n"
        );
    }
    *page += "<div class=\"buttons\">\n";
    for answer in answers(question) {
        *page += &format!(
            "<button name=\"answer\" value=\"{answer}\" class=\"{answer}\">{}</button>\n",
            button(question, answer)
        );
    }
    *page += "</div>\n</form>\n";
}

/// What it is about: the goal, and what the model wants.
fn about(state: &DeskState, page: &mut String) {
    let DeskState { goal, step, thought, action, .. } = state;
    *page += "<dl>\n";
    let mut entry =
        |name: &str, shown: String| *page += &format!("<div><dt>{name}</dt><dd dir=\"auto\">{shown}</dd></div>\n");
    if !goal.is_empty() {
        entry("The goal", escaped(goal));
    }
    if !action.is_empty() && state.open.is_some() {
        entry(&format!("What the model wants in step {step}"), format!("<code>{}</code>", escaped(action)));
    }
    if !thought.is_empty() && state.open.is_some() {
        entry("Why, it says", escaped(thought));
    }
    *page += "</dl>\n";
}

fn lead(question: &Question) -> &'static str {
    match question {
        Question::Confirm { .. } => "May it tap where the ring is?",
        Question::TakeOver { .. } => "It asks you to take over on the device",
        Question::Choose { .. } => "It asks you to choose",
        Question::Again { .. } => "May it do again what may have been done already?",
        Question::Permit { .. } => "May it do this?",
    }
}

fn button(question: &Question, answer: &str) -> &'static str {
    match (answer, question) {
        ("yes", _) => "Yes, do it",
        ("no", Question::TakeOver { .. }) => "I will not",
        ("no", _) => "No",
        ("done", Question::TakeOver { .. }) => "It is done",
        ("done", _) => "I have done it myself",
        _ => "Send",
    }
}

/// The place that a question is about, if it is about one.
fn place(state: &DeskState, question: &Question, size: Size) -> Option<Spot> {
    if let Question::Confirm { at, .. } = question {
        return (at.of.size == size).then_some(*at);
    }
    let said = state.profile.as_ref()?.dialect.read(&state.action, false);
    match said.call {
        Ok(Call::Do(
            Action::Tap { at } | Action::SensitiveTap { at, .. } | Action::LongPress { at } | Action::DoubleTap { at },
        )) => Some(at.on(size.into())),
        _ => None,
    }
}

/// The same for programs.
pub fn question(state: &DeskState, version: u64) -> Value {
    let DeskState { goal, step, thought, action, open, latest, ended, view, .. } = state;
    let asked = open.as_ref().map(|OpenQuestion { id, question, screen, .. }| {
        let size = screen.as_ref().map(|screen| screen.picture.size());
        let at = size.and_then(|size| place(state, question, size));
        json!({
            "id": id,
            "kind": kind(question),
            "message": question.message(),
            "step": step,
            "action": action,
            "thought": thought,
            "answers": answers(question),
            "picture": size.map(|_| format!("picture-{id}.png")),
            "size": size,
            "at": at.map(|at| json!({"x": at.x, "y": at.y})),
        })
    });
    json!({
        "version": version,
        "goal": goal,
        "question": asked,
        "latest": latest.as_ref().map(|over| json!({"id": over.id, "how": over.how})),
        "ended": ended.as_ref().map(|end| &end.id),
        "verdict": ended.as_ref().and_then(|end| end.verdict),
        "headline": ended.as_ref().map(|end| &end.headline.text),
        "mood": ended.as_ref().map(|end| end.headline.mood.id()),
        "watch": view.as_ref().map(|view| view.json(open.as_ref().is_some_and(|open| open.live.is_some()))),
    })
}

/// The word for a kind of question, as the journal has it.
pub fn kind(question: &Question) -> &'static str {
    match question {
        Question::Confirm { .. } => "confirm",
        Question::TakeOver { .. } => "take_over",
        Question::Choose { .. } => "choose",
        Question::Again { .. } => "again",
        Question::Permit { .. } => "permit",
    }
}
