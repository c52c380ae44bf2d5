//! The shell: scripts are run here, command by command. What single commands do is in `commands`.
//!
//! Everything is bounded: what is printed, how many commands a script runs and for how long, how deep it nests, and what
//! runs in the background.

mod arithmetic;
mod builtins;
mod control;
mod expand;
mod input;
mod lines;
mod redirect;
mod waiting;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::input::Input;
pub(super) use self::lines::serve_lines;
use super::Device;
use super::commands::{self, Call};
use super::output::Output;
use super::stream::Disconnected;
use super::syntax::{self, Join, List, Pipeline, Stage, SyntaxError, Word};
use super::terminal::{Channel, Console};
use super::variables::Variables;

/// What a command may print or read without waiting for its turn.
const SMALL: usize = 1 << 20;
/// What one command may read of files, however many it is given.
const READ_MAX: usize = 256 << 20;
/// How deep groups, functions, substitutions and shells may be nested when they run: each takes a bit of a thread's stack.
const DEPTH_MAX: u32 = 24;
/// What the words of one command may hold together, and how many of them may be patterns.
const ARGUMENTS_MAX: usize = 4 << 20;
const PATTERNS_MAX: u32 = 64;
/// How many commands a script may run, and so how often a loop may go round. After so many the others have their turn.
const COMMANDS_MAX: u32 = 200_000;
const COMMANDS_AT_ONCE: u32 = 64;
/// What runs in the background of one shell, and what each of them may print.
const JOBS_MAX: usize = 8;
const JOB_OUTPUT_MAX: usize = 1 << 20;
const FUNCTIONS_MAX: usize = 256;

/// Whether a script goes on after a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    On,
    Exit,
    /// Out of a function, or of a script that was read with `.`.
    Return,
    /// Out of so many loops.
    Break(u32),
    /// To the next round of the loop that so many loops are in.
    Continue(u32),
}

type Running<'a, T> = Pin<Box<dyn Future<Output = Result<T, Disconnected>> + Send + 'a>>;

/// What a shell in parentheses may change for itself only.
#[derive(Clone)]
struct Scope {
    folder: String,
    variables: Variables,
    /// `$1` and those that follow.
    arguments: Vec<String>,
    /// `$0`
    name: String,
    functions: BTreeMap<String, Arc<Stage>>,
    /// `set -e`: the first command that fails ends the script.
    errexit: bool,
}

/// One shell with its variables and its folder.
pub(super) struct Shell {
    device: Arc<Device>,
    large: Arc<Semaphore>,
    /// Held while a command has much to print.
    turn: Option<OwnedSemaphorePermit>,
    scope: Scope,
    status: u8,
    depth: u32,
    /// How many loops this is in, and how many conditions, whose failure `set -e` does not mind.
    loops: u32,
    guarded: u32,
    /// Variables that functions have for themselves, with what they held before; a list for each function that runs.
    locals: Vec<Vec<(String, Option<String>)>>,
    /// Bytes that the words of a command have taken so far, and patterns that they may still have.
    expanded: usize,
    patterns: u32,
    /// Why the words of a command make no sense.
    complaint: Option<String>,
    /// Commands that the script may still run, and when it began.
    commands_left: u32,
    began: Instant,
    /// The person at the terminal wants it to stop.
    interrupted: bool,
    jobs: JoinSet<Output>,
    jobs_begun: u32,
}

impl Shell {
    pub fn new(device: Arc<Device>, large: Arc<Semaphore>) -> Shell {
        let scope = Scope {
            folder: "/".to_owned(),
            variables: Variables::new(),
            arguments: Vec::new(),
            name: "/system/bin/sh".to_owned(),
            functions: BTreeMap::new(),
            errexit: false,
        };
        Shell::of(device, large, scope)
    }

    fn of(device: Arc<Device>, large: Arc<Semaphore>, scope: Scope) -> Shell {
        Shell {
            device,
            large,
            turn: None,
            scope,
            status: 0,
            depth: 0,
            loops: 0,
            guarded: 0,
            locals: Vec::new(),
            expanded: 0,
            patterns: PATTERNS_MAX,
            complaint: None,
            commands_left: COMMANDS_MAX,
            began: Instant::now(),
            interrupted: false,
            jobs: JoinSet::new(),
            jobs_begun: 0,
        }
    }

    /// The status of the last command.
    pub fn status(&self) -> u8 {
        self.status
    }

    /// Runs a script. Output is sent after each of its commands, and before one that waits.
    pub async fn run<C: Console>(&mut self, script: &str, console: &mut C) -> Result<Flow, Disconnected> {
        match syntax::parse(script) {
            Ok(list) => self.run_list(&list, console).await,
            Err(error) => {
                self.refuse(&error, console).await?;
                Ok(Flow::On)
            }
        }
    }

    /// Runs one command whose words are known.
    pub async fn run_words<C: Console>(&mut self, words: Vec<String>, console: &mut C) -> Result<(), Disconnected> {
        let mut output = Output::direct(self.device.options.limits.output_max);
        self.simple(words, &mut Input::Console, &mut output, console).await?;
        self.hand_over(&mut output, console).await?;
        console.flush().await
    }

    /// Waits for what still runs in the background, as a phone does whose client wants all output.
    pub async fn finish<C: Console>(&mut self, console: &mut C) -> Result<(), Disconnected> {
        while let Some(done) = self.jobs.join_next().await {
            let mut output = done.unwrap_or_default();
            self.hand_over(&mut output, console).await?;
            console.flush().await?;
        }
        Ok(())
    }

    async fn refuse<C: Console>(&mut self, error: &SyntaxError, console: &mut C) -> Result<(), Disconnected> {
        self.status = 1;
        console.print(Channel::Err, format!("/system/bin/sh: {error}\n").as_bytes()).await?;
        console.flush().await
    }

    async fn run_list<C: Console>(&mut self, list: &List, console: &mut C) -> Result<Flow, Disconnected> {
        (self.commands_left, self.began) = (COMMANDS_MAX, Instant::now());
        let mut output = Output::direct(self.device.options.limits.output_max);
        let flow = self.steps(list, &mut Input::Console, &mut output, console).await?;
        self.hand_over(&mut output, console).await?;
        console.flush().await?;
        Ok(flow)
    }

    /// Sends what was printed so far.
    async fn hand_over<C: Console>(&mut self, output: &mut Output, console: &mut C) -> Result<(), Disconnected> {
        let (pieces, cut) = output.take();
        for (channel, bytes) in &pieces {
            console.print(*channel, bytes).await?;
        }
        if cut {
            let max = self.device.options.limits.output_max;
            let sorry = format!("/system/bin/sh: the output was cut off at {max} bytes\n");
            console.print(Channel::Err, sorry.as_bytes()).await?;
        }
        self.turn = None;
        Ok(())
    }

    fn runs_after(&self, join: Join) -> bool {
        match join {
            Join::Always => true,
            Join::IfDone => self.status == 0,
            Join::IfFailed => self.status != 0,
        }
    }

    fn output(&self) -> Output {
        Output::new(self.device.options.limits.output_max)
    }

    fn complain(&mut self, output: &mut Output, text: &str) {
        output.push(Channel::Err, format!("{}: {text}\n", self.scope.name).as_bytes());
    }

    /// Waits for permission to hold more than `SMALL` bytes, once for a pipeline, so that nobody waits for himself.
    async fn take_turn(&mut self) {
        if self.turn.is_none() {
            self.turn = self.large.clone().acquire_owned().await.ok();
        }
    }

    fn list<'b, C: Console>(
        &'b mut self,
        list: &'b List,
        input: &'b mut Input,
        output: &'b mut Output,
        console: &'b mut C,
    ) -> Running<'b, Flow> {
        Box::pin(async move {
            if self.depth == DEPTH_MAX {
                self.complain(output, "nested too deeply");
                self.status = 1;
                return Ok(Flow::On);
            }
            self.depth += 1;
            let flow = self.steps(list, input, output, console).await;
            self.depth -= 1;
            flow
        })
    }

    async fn steps<C: Console>(
        &mut self,
        list: &List,
        input: &mut Input,
        output: &mut Output,
        console: &mut C,
    ) -> Result<Flow, Disconnected> {
        for (at, (join, pipeline)) in list.0.iter().enumerate() {
            if !self.runs_after(*join) {
                continue;
            }
            if let Some(why) = self.count_command(console).await {
                self.complain(output, &why);
                self.status = 1;
                return Ok(Flow::Exit);
            }
            let flow = self.pipeline(pipeline, input, output, console).await?;
            if output.is_direct() {
                self.hand_over(output, console).await?;
            }
            if self.interrupted {
                self.status = 130;
                return Ok(Flow::Exit);
            }
            if flow != Flow::On {
                return Ok(flow);
            }
            let is_last = list.0.get(at + 1).is_none_or(|(join, _)| *join == Join::Always);
            let minds = self.scope.errexit && self.guarded == 0 && is_last && !pipeline.negated;
            if minds && self.status != 0 {
                return Ok(Flow::Exit);
            }
        }
        Ok(Flow::On)
    }

    /// Counts a command; says why, if it is one too many. Lets others have their turn now and then.
    async fn count_command<C: Console>(&mut self, console: &mut C) -> Option<String> {
        let Some(left) = self.commands_left.checked_sub(1) else {
            return Some(format!("stopped after {COMMANDS_MAX} commands: a loop that does not end?"));
        };
        self.commands_left = left;
        if left.is_multiple_of(COMMANDS_AT_ONCE) {
            tokio::select! {
                biased;
                () = console.wait_for_interrupt() => self.interrupted = true,
                () = tokio::task::yield_now() => {}
            }
            let max = self.device.options.limits.script_max;
            if max < self.began.elapsed() {
                return Some(format!("stopped after {} s", max.as_secs()));
            }
        }
        None
    }

    /// Runs the stages one after the other, each with all that the one before has printed.
    async fn pipeline<C: Console>(
        &mut self,
        pipeline: &Pipeline,
        input: &mut Input,
        output: &mut Output,
        console: &mut C,
    ) -> Result<Flow, Disconnected> {
        let Some((last, before)) = pipeline.stages.split_last() else { return Ok(Flow::On) };
        let flow = if before.is_empty() {
            self.stage(last, input, output, console).await?
        } else {
            // Each stage is a shell of its own, so nothing of what it sets or leaves is left.
            let scope = self.scope.clone();
            let mut fed: Option<Input> = None;
            for stage in before {
                let mut printed = self.output();
                self.stage(stage, fed.as_mut().unwrap_or(input), &mut printed, console).await?;
                if self.interrupted {
                    return Ok(Flow::Exit);
                }
                fed = Some(Input::of(printed.split(Channel::Out, output)));
            }
            let mut printed = self.output();
            self.stage(last, &mut fed.unwrap_or(Input::none()), &mut printed, console).await?;
            output.append(printed);
            self.scope = scope;
            Flow::On
        };
        if pipeline.negated {
            self.status = u8::from(self.status == 0);
        }
        Ok(flow)
    }

    async fn stage<C: Console>(
        &mut self,
        stage: &Stage,
        input: &mut Input,
        output: &mut Output,
        console: &mut C,
    ) -> Result<Flow, Disconnected> {
        if stage.redirects.is_empty() {
            return self.perform(&stage.what, input, output, console).await;
        }
        let (ends, read) = match self.redirect(&stage.redirects, output, console).await? {
            Ok(redirected) => redirected,
            Err(why) => {
                self.complain(output, &why);
                self.status = 1;
                return Ok(Flow::On);
            }
        };
        let mut printed = self.output();
        let flow = match read {
            Some(bytes) => self.perform(&stage.what, &mut Input::of(bytes), &mut printed, console).await?,
            None => self.perform(&stage.what, input, &mut printed, console).await?,
        };
        self.deliver(printed, &ends, output);
        Ok(flow)
    }

    /// The words that these stand for, or `None` if they make no sense or are too many, which is said.
    async fn words<C: Console>(
        &mut self,
        words: &[Word],
        output: &mut Output,
        console: &mut C,
    ) -> Result<Option<Vec<String>>, Disconnected> {
        let mut found = Vec::new();
        self.expanded = 0;
        self.patterns = PATTERNS_MAX;
        self.complaint = None;
        for word in words {
            self.expand(word, &mut found, output, console).await?;
        }
        if let Some(why) = self.complaint.take() {
            self.complain(output, &why);
            self.status = 1;
            return Ok(None);
        }
        if ARGUMENTS_MAX < self.expanded {
            self.complain(output, "Argument list too long");
            self.status = 126;
            return Ok(None);
        }
        Ok(Some(found))
    }

    async fn command<C: Console>(
        &mut self,
        assignments: &[(String, Word)],
        words: &[Word],
        input: &mut Input,
        output: &mut Output,
        console: &mut C,
    ) -> Result<Flow, Disconnected> {
        let Some(arguments) = self.words(words, output, console).await? else { return Ok(Flow::On) };
        if words.is_empty() {
            self.status = 0;
        }
        for (name, word) in assignments {
            let value = self.expand_unsplit(word, false, output, console).await?;
            if let Some(why) = self.complaint.take() {
                self.complain(output, &why);
                self.status = 1;
                return Ok(Flow::On);
            }
            if words.is_empty() && !self.scope.variables.set(name, &value) {
                self.complain(output, &format!("{name}: no room for its value"));
                self.status = 1;
            }
            // Before a command they would be its environment, which no command here looks at.
        }
        match arguments.is_empty() {
            true => Ok(Flow::On),
            false => self.simple(arguments, input, output, console).await,
        }
    }

    /// Runs a command whose words are known.
    fn simple<'b, C: Console>(
        &'b mut self,
        words: Vec<String>,
        input: &'b mut Input,
        output: &'b mut Output,
        console: &'b mut C,
    ) -> Running<'b, Flow> {
        Box::pin(async move {
            let Some((name, arguments)) = words.split_first() else { return Ok(Flow::On) };
            if let Some(body) = self.scope.functions.get(name).cloned() {
                return self.call(&body, arguments, input, output, console).await;
            }
            let name = name.strip_prefix("/system/bin/").unwrap_or(name);
            if let Some(flow) = self.builtin(name, arguments, input, output, console).await? {
                return Ok(flow);
            }
            if let Some(status) = self.wait_for(name, arguments, output, console).await? {
                self.status = status;
                return Ok(Flow::On);
            }
            let stdin = match commands::reads_input(name, arguments) {
                true => self.read_all(input, console).await?,
                false => match commands::bytes_to_read(name, arguments) {
                    Some(count) => self.read_bytes(count, input, console).await?,
                    None => Vec::new(),
                },
            };
            if commands::may_print_much(name) {
                self.take_turn().await;
            }
            let call = Call {
                device: &self.device,
                folder: &mut self.scope.folder,
                variables: &mut self.scope.variables,
                name,
                arguments,
                stdin: &stdin,
                output,
                read_left: READ_MAX,
            };
            self.status = commands::run(call);
            Ok(Flow::On)
        })
    }

    /// Starts something that runs beside this shell, with a copy of its variables.
    fn in_background(&mut self, list: Arc<List>, output: &mut Output) {
        self.collect(output);
        let mut child = Shell::of(self.device.clone(), self.large.clone(), self.scope.clone());
        let is_silent = redirect::is_silent(&list);
        let job: Pin<Box<dyn Future<Output = Output> + Send>> = Box::pin(async move {
            let mut printed = Output::new(JOB_OUTPUT_MAX);
            // Nobody can be gone who was never there.
            let _ = child.list(&list, &mut Input::none(), &mut printed, &mut NoConsole).await;
            printed
        });
        let begun = match is_silent {
            // Nobody waits for what it prints, so it goes on when this shell has ended.
            true => self.device.run_in_background(async move { drop(job.await) }),
            false if self.jobs.len() < JOBS_MAX => {
                self.jobs.spawn(job);
                true
            }
            false => false,
        };
        if begun {
            self.jobs_begun += 1;
        } else {
            self.complain(output, "can't fork - try again");
        }
        self.status = u8::from(!begun);
    }

    /// Takes what background commands that have ended have printed.
    fn collect(&mut self, output: &mut Output) {
        while let Some(done) = self.jobs.try_join_next() {
            output.append(done.unwrap_or_default());
        }
    }

    /// Waits for something that may take long, until it is done or the person at the terminal is tired of it.
    async fn or_interrupted<T, C: Console>(&mut self, what: impl Future<Output = T>, console: &mut C) -> Option<T> {
        tokio::select! {
            done = what => Some(done),
            () = console.wait_for_interrupt() => {
                self.interrupted = true;
                None
            }
        }
    }

    fn sleep_max(&self) -> Duration {
        self.device.options.limits.sleep_max
    }
}

/// The console of what runs in the background.
struct NoConsole;

impl Console for NoConsole {
    async fn print(&mut self, _: Channel, _: &[u8]) -> Result<(), Disconnected> {
        Ok(())
    }
    async fn flush(&mut self) -> Result<(), Disconnected> {
        Ok(())
    }
    async fn get(&mut self) -> Option<Vec<u8>> {
        None
    }
    fn unget(&mut self, _: usize) {}
}
