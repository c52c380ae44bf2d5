//! A desk: where a person answers from a browser, or a program by HTTP, what a run asks.
//!
//! ```text
//! GET  /TOKEN/                 the page, whole in one answer: the question, what the model saw, and what can be answered
//! GET  /TOKEN/question         the same for programs; ?wait=SECONDS waits for something new
//! GET  /TOKEN/picture-ID.png   what the model saw
//! POST /TOKEN/answer           an answer to the question with an id
//! ```
//!
//! A desk that watches shows the run too, as it happens (`view`), and lends the screen to a person who takes over:
//!
//! ```text
//! GET  /TOKEN/screen-DIGEST.png   the screen that the run sees
//! GET  /TOKEN/frame               the screen as it is, while a person has it
//! POST /TOKEN/input               what the person does to it
//! ```
//!
//! Here is what is asked and who has answered; `serve` answers over HTTP, and `show` writes what people and programs read. Whoever
//! has the token can answer, so it is made anew for each process and is in no record. docs/asking.md says all of it.

mod serve;
mod show;
mod view;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tapwright_agent::journal::{Entry, Line};
use tapwright_agent::person::{Answer, Question};
use tapwright_agent::profile::Profile;
use tapwright_agent::step::StepResult;
use tapwright_contract::device::Screen;
use tokio::sync::{oneshot, watch};

use crate::headline::EndNotice;
use crate::live::{LiveScreen, SharedDriver};
use crate::page_server::{PageServer, PageServerError, PageServerOptions, lock};
use crate::step_mark::without_mark;
use view::RunView;

pub use show::kind;

/// Where a desk is, and what it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeskOptions {
    pub server: PageServerOptions,
    /// Whether it shows the run as it happens.
    pub watch: bool,
}

/// Takes questions and gets answers, until it is closed. A clone is the same desk.
#[derive(Clone)]
pub struct Desk {
    shared: Arc<Shared>,
    server: Arc<PageServer>,
}

struct Shared {
    state: Mutex<DeskState>,
    /// Grows with everything that whoever looks would see.
    version: watch::Sender<u64>,
}

/// What is asked, and what it is about.
#[derive(Default)]
struct DeskState {
    goal: String,
    profile: Option<Profile>,
    step: u32,
    thought: String,
    action: String,
    /// How many questions there were.
    asked: u64,
    open: Option<OpenQuestion>,
    /// What became of the latest question.
    latest: Option<ClosedQuestion>,
    /// How the run ended, if it has.
    ended: Option<EndNotice>,
    /// What is shown of the run, if it is watched.
    view: Option<RunView>,
    /// The device's driver, for a person who takes over.
    driver: Option<SharedDriver>,
}

struct OpenQuestion {
    id: u64,
    question: Question,
    screen: Option<Screen>,
    answer: oneshot::Sender<Answer>,
    /// The screen as it is, for the person who has it now.
    live: Option<LiveScreen>,
}

/// A question that is over.
#[derive(Clone, Debug)]
struct ClosedQuestion {
    id: u64,
    how: String,
}

/// A question that lies on the desk, until this is dropped.
pub struct PendingQuestion {
    shared: Arc<Shared>,
    id: u64,
    answered: oneshot::Receiver<Answer>,
}

/// Why an answer was not taken.
#[derive(Debug, PartialEq, Eq)]
enum RejectedAnswer {
    /// There is no such question any more.
    Closed { id: u64, how: String },
    /// There never was one.
    NoSuchQuestion { id: u64 },
    /// It does not answer this question.
    NotAllowed { fit: &'static [&'static str] },
}

impl Desk {
    /// Opens a desk at an address.
    ///
    /// # Errors
    /// `PageServerError` if it cannot be there.
    pub async fn open(options: DeskOptions) -> Result<Desk, PageServerError> {
        let state = DeskState { view: options.watch.then(RunView::default), ..DeskState::default() };
        let shared = Arc::new(Shared { state: Mutex::new(state), version: watch::Sender::new(0) });
        let server = PageServer::open(options.server, shared.clone()).await?;
        Ok(Desk { shared, server: Arc::new(server) })
    }

    /// Where it is, with the token.
    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// Whether it shows the run as it happens.
    pub fn watches(&self) -> bool {
        lock(&self.shared.state).view.is_some()
    }

    /// The run that is written down there is watched from now on.
    pub(crate) fn watch_record(&self, folder: PathBuf) {
        if let Some(view) = &mut lock(&self.shared.state).view {
            view.begin(folder);
        }
    }

    /// Lends the device to whoever takes over.
    pub(crate) fn lend(&self, driver: SharedDriver) {
        lock(&self.shared.state).driver = Some(driver);
    }

    /// Nobody takes over any more.
    pub(crate) fn take_back(&self) {
        lock(&self.shared.state).driver = None;
    }

    /// Takes note of a line of a journal: what the goal is, and what the model wants.
    pub fn observe(&self, entry: &Entry) {
        let mut state = lock(&self.shared.state);
        let is_news = state.view.as_mut().is_some_and(|view| view.observe(&entry.line));
        match &entry.line {
            Line::Run(facts) => {
                state.goal.clone_from(&facts.setting.goal);
                state.profile = Some(facts.setting.profile.clone());
                state.ended = None;
                (state.step, state.thought, state.action) = (0, String::new(), String::new());
            }
            Line::Decided(decided) => {
                state.step = decided.step;
                state.thought = without_mark(&decided.thought).to_owned();
                state.action.clone_from(&decided.action);
            }
            // What is asked from then on is not about this action, unless it waits for whoever resumes the run.
            Line::Step(step) if step.result != StepResult::Suspended => state.action.clear(),
            Line::Step(_) => {}
            Line::Effect(_) | Line::Event(_) | Line::End(_) => {}
        }
        drop(state);
        if is_news {
            self.shared.news();
        }
    }

    /// Puts a question on the desk; one that lies there already is withdrawn.
    pub fn post(&self, question: &Question, screen: Option<&Screen>) -> PendingQuestion {
        let (answer, answered) = oneshot::channel();
        let mut state = lock(&self.shared.state);
        state.asked += 1;
        let id = state.asked;
        // Only who was asked to take over has the screen, and only until the answer.
        let driver = match question {
            Question::TakeOver { .. } => state.driver.clone(),
            Question::Confirm { .. } | Question::Permit { .. } | Question::Again { .. } | Question::Choose { .. } => {
                None
            }
        };
        let live = driver.map(|driver| LiveScreen::start(Box::new(driver)));
        state.open = Some(OpenQuestion { id, question: question.clone(), screen: screen.cloned(), answer, live });
        drop(state);
        self.shared.news();
        PendingQuestion { shared: self.shared.clone(), id, answered }
    }

    /// The number of the question that lies there.
    pub fn open_question(&self) -> Option<u64> {
        lock(&self.shared.state).open.as_ref().map(|open| open.id)
    }

    /// What became of the question before.
    pub fn latest(&self) -> Option<String> {
        lock(&self.shared.state).latest.as_ref().map(|over| over.how.clone())
    }

    /// Answers a question as somebody at the desk would; whether it was taken.
    pub fn answer(&self, id: u64, said: &str) -> bool {
        self.shared.answer(id, said, "").is_ok()
    }

    /// Says how it all ended to whoever looks, and closes.
    pub async fn close(self, how: impl Into<EndNotice>) {
        lock(&self.shared.state).ended = Some(how.into());
        self.shared.news();
        self.server.close().await;
    }
}

impl PendingQuestion {
    /// The question's number.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Waits for an answer.
    pub async fn answer(&mut self) -> Answer {
        match (&mut self.answered).await {
            Ok(answer) => answer,
            Err(_) => std::future::pending().await, // Another question took its place; nobody answers this one.
        }
    }

    /// Takes the question back, as it was answered elsewhere or need not be. `false` if it was too late: then there is an
    /// answer, and whoever gave it was told that it counts.
    pub fn withdraw(&self, how: &str) -> bool {
        self.shared.withdraw(self.id, how)
    }
}

impl Drop for PendingQuestion {
    fn drop(&mut self) {
        self.shared.withdraw(self.id, "nobody answered in time, or the run was stopped");
    }
}

impl Shared {
    fn news(&self) {
        self.version.send_modify(|version| *version += 1);
    }

    fn withdraw(&self, id: u64, how: &str) -> bool {
        let mut state = lock(&self.state);
        if state.open.take_if(|open| open.id == id).is_none() {
            return false;
        }
        state.latest = Some(ClosedQuestion { id, how: how.to_owned() });
        drop(state);
        self.news();
        true
    }

    /// Takes an answer to the question `id`, if that is still open and can be answered so.
    fn answer(&self, id: u64, said: &str, words: &str) -> Result<(), RejectedAnswer> {
        let mut state = lock(&self.state);
        let Some(open) = state.open.take_if(|open| open.id == id) else {
            return Err(match &state.latest {
                _ if id == 0 || id > state.asked => RejectedAnswer::NoSuchQuestion { id },
                Some(over) if over.id == id => RejectedAnswer::Closed { id, how: over.how.clone() },
                _ => RejectedAnswer::Closed { id, how: "it was asked before".to_owned() },
            });
        };
        let Some(answer) = parse_answer(&open.question, said, words) else {
            let fit = answers(&open.question);
            state.open = Some(open);
            return Err(RejectedAnswer::NotAllowed { fit });
        };
        let how = answer_text(&answer);
        let heard = open.answer.send(answer).is_ok();
        let how = if heard { format!("answered in the browser: {how}") } else { "it was withdrawn".to_owned() };
        state.latest = Some(ClosedQuestion { id, how: how.clone() });
        drop(state);
        self.news();
        if heard { Ok(()) } else { Err(RejectedAnswer::Closed { id, how }) }
    }
}

/// What can be answered to a question, in the words that the desk takes.
pub fn answers(question: &Question) -> &'static [&'static str] {
    match question {
        Question::Confirm { .. } | Question::Permit { .. } | Question::Again { .. } => &["yes", "no", "done"],
        Question::TakeOver { .. } => &["done", "no"],
        Question::Choose { .. } => &["choice"],
    }
}

fn parse_answer(question: &Question, said: &str, words: &str) -> Option<Answer> {
    if !answers(question).contains(&said) {
        return None;
    }
    match said {
        "yes" => Some(Answer::Yes),
        "no" => Some(Answer::No),
        "done" => Some(Answer::Done),
        _ => (!words.trim().is_empty()).then(|| Answer::Choice(words.trim().to_owned())),
    }
}

/// An answer in a word or so.
pub fn answer_text(answer: &Answer) -> String {
    match answer {
        Answer::Yes => "yes".to_owned(),
        Answer::No => "no".to_owned(),
        Answer::Done => "done".to_owned(),
        Answer::Choice(words) => words.clone(),
        Answer::Nobody => "nobody is there".to_owned(),
    }
}
