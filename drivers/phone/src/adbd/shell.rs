//! The shell: scripts are run here, command by command. What single commands do is in `commands`.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Device;
use super::commands::{self, Call};
use super::files::{FileError, resolve};
use super::picture::{self, Format};
use super::stream::Gone;
use super::syntax::{self, Join, List, Piece, Pipeline, Redirect, Stage, SyntaxError, Target, What, Word};
use super::terminal::{Channel, Console};
use super::variables::Variables;

/// What a command may print or read without waiting for its turn.
const SMALL: usize = 1 << 20;
/// Output of this size is joined to what was printed before it; larger output stays where it is.
const COPIED_MAX: usize = 4 << 10;
/// Lines that a quote or a group may reach over when lines are fed.
const CONTINUED_MAX: u32 = 256;
/// What one command may read of files, however many it is given.
const READ_MAX: usize = 256 << 20;
/// How deep groups, substitutions and shells may be nested when they run: each level takes a bit of a thread's stack.
const DEPTH_MAX: u32 = 24;
/// What the words of one command may hold together, and how many of them may be patterns.
const ARGUMENTS_MAX: usize = 4 << 20;
const PATTERNS_MAX: u32 = 64;

/// What a command printed, in the order in which it did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Output {
    pieces: Vec<(Channel, Vec<u8>)>,
    length: usize,
    max: usize,
    /// Something was left out because there was too much.
    cut: bool,
}

impl Output {
    fn new(max: usize) -> Output {
        Output { pieces: Vec::new(), length: 0, max, cut: false }
    }

    /// Whether more would be left out.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    pub fn put(&mut self, channel: Channel, bytes: &[u8]) {
        let bytes = if self.max - self.length < bytes.len() {
            self.cut = true;
            &bytes[..self.max - self.length]
        } else {
            bytes
        };
        self.length += bytes.len();
        match self.pieces.last_mut() {
            Some((last, piece)) if *last == channel => piece.extend_from_slice(bytes),
            _ if bytes.is_empty() => {}
            _ => self.pieces.push((channel, bytes.to_vec())),
        }
    }

    /// Takes bytes that may be many without copying them.
    fn put_owned(&mut self, channel: Channel, bytes: Vec<u8>) {
        let worth_it = self.pieces.is_empty() || COPIED_MAX < bytes.len();
        if worth_it && bytes.len() <= self.max - self.length {
            self.length += bytes.len();
            self.pieces.push((channel, bytes));
        } else {
            self.put(channel, &bytes);
        }
    }

    fn append(&mut self, other: Output) {
        self.cut |= other.cut;
        for (channel, bytes) in other.pieces {
            self.put_owned(channel, bytes);
        }
    }

    /// Keeps what is meant for one channel and returns it; the rest goes to `other`.
    fn split(self, channel: Channel, other: &mut Output) -> Vec<u8> {
        let mut kept = Vec::new();
        other.cut |= self.cut;
        for (to, bytes) in self.pieces {
            if to == channel {
                if kept.is_empty() { kept = bytes } else { kept.extend_from_slice(&bytes) }
            } else {
                other.put_owned(to, bytes);
            }
        }
        kept
    }
}

/// Whether a script goes on after a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    On,
    Exit,
}

/// Where a command's input comes from.
enum Input {
    Console,
    Bytes(Vec<u8>),
}

type Running<'a, T> = Pin<Box<dyn Future<Output = Result<T, Gone>> + Send + 'a>>;

/// One shell with its variables and its folder.
pub(super) struct Shell<'a> {
    device: &'a Device,
    large: Arc<Semaphore>,
    /// Held while a command has much to print.
    turn: Option<OwnedSemaphorePermit>,
    folder: String,
    variables: Variables,
    status: u8,
    depth: u32,
    /// Bytes that the words of a command have taken so far, and patterns that they may still have.
    expanded: usize,
    patterns: u32,
}

impl<'a> Shell<'a> {
    pub fn new(device: &'a Device, large: Arc<Semaphore>) -> Shell<'a> {
        Shell {
            device,
            large,
            turn: None,
            folder: "/".to_owned(),
            variables: Variables::new(),
            status: 0,
            depth: 0,
            expanded: 0,
            patterns: PATTERNS_MAX,
        }
    }

    /// The status of the last command.
    pub fn status(&self) -> u8 {
        self.status
    }

    /// Runs a script. Output is sent after each of its lines, and before a command that waits.
    pub async fn run<C: Console>(&mut self, script: &str, console: &mut C) -> Result<Flow, Gone> {
        match syntax::parse(script) {
            Ok(list) => self.run_list(&list, console).await,
            Err(error) => {
                self.refuse(&error, console).await?;
                Ok(Flow::On)
            }
        }
    }

    async fn refuse<C: Console>(&mut self, error: &SyntaxError, console: &mut C) -> Result<(), Gone> {
        self.status = 1;
        console.put(Channel::Err, format!("/system/bin/sh: {error}\n").as_bytes()).await?;
        console.flush().await
    }

    async fn run_list<C: Console>(&mut self, list: &List, console: &mut C) -> Result<Flow, Gone> {
        let mut flow = Flow::On;
        for (join, pipeline) in &list.0 {
            if flow == Flow::On && self.wanted(*join) {
                let mut output = self.output();
                flow = self.pipeline(pipeline, None, &mut output, console).await?;
                for (channel, bytes) in &output.pieces {
                    console.put(*channel, bytes).await?;
                }
                if output.cut {
                    let max = self.device.options.limits.output_max;
                    let sorry = format!("/system/bin/sh: the output was cut off at {max} bytes\n");
                    console.put(Channel::Err, sorry.as_bytes()).await?;
                }
                self.turn = None;
            }
        }
        console.flush().await?;
        Ok(flow)
    }

    fn wanted(&self, join: Join) -> bool {
        match join {
            Join::Always => true,
            Join::IfDone => self.status == 0,
            Join::IfFailed => self.status != 0,
        }
    }

    fn output(&self) -> Output {
        Output::new(self.device.options.limits.output_max)
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
        mut input: Option<Vec<u8>>,
        output: &'b mut Output,
        console: &'b mut C,
    ) -> Running<'b, Flow> {
        Box::pin(async move {
            if self.depth == DEPTH_MAX {
                output.put(Channel::Err, b"/system/bin/sh: nested too deeply\n");
                self.status = 1;
                return Ok(Flow::On);
            }
            self.depth += 1;
            let mut flow = Flow::On;
            for (join, pipeline) in &list.0 {
                if flow == Flow::On && self.wanted(*join) {
                    // What the first command leaves unread is lost; on a phone the second might read it.
                    flow = self.pipeline(pipeline, input.as_mut().map(std::mem::take), output, console).await?;
                }
            }
            self.depth -= 1;
            Ok(flow)
        })
    }

    /// Runs the stages one after the other, each with all that the one before has printed.
    async fn pipeline<C: Console>(
        &mut self,
        pipeline: &Pipeline,
        input: Option<Vec<u8>>,
        output: &mut Output,
        console: &mut C,
    ) -> Result<Flow, Gone> {
        let mut input = input.map_or(Input::Console, Input::Bytes);
        let mut flow = Flow::On;
        for (index, stage) in pipeline.stages.iter().enumerate() {
            let mut printed = self.output();
            flow = self.stage(stage, input, &mut printed, console).await?;
            if index + 1 == pipeline.stages.len() {
                output.append(printed);
                break;
            }
            input = Input::Bytes(printed.split(Channel::Out, output));
        }
        if pipeline.negated {
            self.status = u8::from(self.status == 0);
        }
        // An `exit` inside a pipe ends its stage only.
        Ok(if pipeline.stages.len() == 1 { flow } else { Flow::On })
    }

    async fn stage<C: Console>(
        &mut self,
        stage: &Stage,
        mut input: Input,
        output: &mut Output,
        console: &mut C,
    ) -> Result<Flow, Gone> {
        let (ends, read) = match self.redirect(&stage.redirects, output, console).await? {
            Ok(redirected) => redirected,
            Err(why) => {
                output.put(Channel::Err, format!("/system/bin/sh: {why}\n").as_bytes());
                self.status = 1;
                return Ok(Flow::On);
            }
        };
        if let Some(bytes) = read {
            input = Input::Bytes(bytes);
        }
        let mut printed = self.output();
        let flow = match &stage.what {
            What::Command { assignments, words } => {
                self.command(assignments, words, input, &mut printed, console).await?
            }
            What::Group(list) => self.list(list, input.bytes(), &mut printed, console).await?,
            What::Subshell(list) => {
                let kept = (self.variables.clone(), self.folder.clone());
                self.list(list, input.bytes(), &mut printed, console).await?;
                (self.variables, self.folder) = kept;
                Flow::On
            }
        };
        self.deliver(printed, &ends, output);
        Ok(flow)
    }

    /// Opens the files of redirections, from left to right. Files are emptied even if nothing will be written.
    async fn redirect<C: Console>(
        &mut self,
        redirects: &[Redirect],
        output: &mut Output,
        console: &mut C,
    ) -> Result<Result<([End; 2], Option<Vec<u8>>), String>, Gone> {
        let mut ends = [End::Channel(Channel::Out), End::Channel(Channel::Err)];
        let mut input = None;
        for redirect in redirects {
            let (word, append) = match &redirect.to {
                Target::Same(from) => {
                    ends[usize::from(redirect.from.max(1) - 1)] = ends[usize::from(from - 1)].clone();
                    continue;
                }
                Target::Read(word) => (word, None),
                Target::Write(word) => (word, Some(false)),
                Target::Append(word) => (word, Some(true)),
            };
            let mut words = Vec::new();
            self.expand(word, &mut words, output, console).await?;
            let [name] = &words[..] else { return Ok(Err("ambiguous redirect".to_owned())) };
            let path = resolve(&self.folder, name);
            let opened = match append {
                None if path == "/dev/null" => {
                    input = Some(Vec::new());
                    Ok(())
                }
                None => self.device.handle.files().read(&path).map(|bytes| input = Some(bytes.to_vec())),
                Some(_) if path == "/dev/null" => {
                    ends[usize::from(redirect.from.max(1) - 1)] = End::Nowhere;
                    Ok(())
                }
                Some(append) => {
                    let now = self.device.handle.now();
                    let mut files = self.device.handle.files();
                    let there = files.read(&path);
                    let opened = match there {
                        Ok(_) if append => Ok(()),
                        Err(FileError::IsAFolder) => Err(FileError::IsAFolder),
                        _ => files.write(&path, Vec::new(), now),
                    };
                    ends[usize::from(redirect.from.max(1) - 1)] = End::File(path.clone());
                    opened
                }
            };
            if let Err(why) = opened {
                let verb = if append.is_some() { "create" } else { "open" };
                return Ok(Err(format!("can't {verb} {name}: {why}")));
            }
        }
        Ok(Ok((ends, input)))
    }

    /// Sends what was printed where the redirections say.
    fn deliver(&mut self, printed: Output, ends: &[End; 2], output: &mut Output) {
        output.cut |= printed.cut;
        let mut files: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
        for (channel, bytes) in printed.pieces {
            match &ends[usize::from(channel == Channel::Err)] {
                End::Channel(to) => output.put_owned(*to, bytes),
                End::Nowhere => {}
                End::File(path) => files.entry(path).or_default().extend_from_slice(&bytes),
            }
        }
        for (path, more) in files {
            let now = self.device.handle.now();
            let mut storage = self.device.handle.files();
            let mut whole = storage.read(path).map(|bytes| bytes.to_vec()).unwrap_or_default();
            whole.extend_from_slice(&more);
            if let Err(why) = storage.write(path, whole, now) {
                output.put(Channel::Err, format!("/system/bin/sh: {path}: {why}\n").as_bytes());
                self.status = 1;
            }
        }
    }

    async fn command<C: Console>(
        &mut self,
        assignments: &[(String, Word)],
        words: &[Word],
        input: Input,
        output: &mut Output,
        console: &mut C,
    ) -> Result<Flow, Gone> {
        let mut arguments = Vec::new();
        self.expanded = 0;
        self.patterns = PATTERNS_MAX;
        for word in words {
            self.expand(word, &mut arguments, output, console).await?;
        }
        if ARGUMENTS_MAX < self.expanded {
            output.put(Channel::Err, b"/system/bin/sh: Argument list too long\n");
            self.status = 126;
            return Ok(Flow::On);
        }
        if words.is_empty() {
            self.status = 0;
        }
        for (name, word) in assignments {
            let mut values = Vec::new();
            self.expand_quoted(word, &mut values, output, console).await?;
            if words.is_empty() && !self.variables.set(name, &values.concat()) {
                output.put(
                    Channel::Err,
                    format!(
                        "/system/bin/sh: {name}: no room for its value
"
                    )
                    .as_bytes(),
                );
                self.status = 1;
            }
            // Before a command they would be its environment, which no command here looks at.
        }
        let Some((name, arguments)) = arguments.split_first() else { return Ok(Flow::On) };
        let name = name.strip_prefix("/system/bin/").unwrap_or(name);
        match name {
            "exit" => {
                if let Some(status) = arguments.first() {
                    self.status = status.parse::<i64>().map_or(1, |status| (status & 0xff) as u8);
                }
                return Ok(Flow::Exit);
            }
            "sh" => return self.sh(arguments, input, output, console).await,
            "sleep" => {
                console.flush().await?;
                self.status = self.sleep(arguments, output).await;
            }
            "screencap" => {
                self.take_turn().await;
                self.status = self.screencap(arguments, output).await;
            }
            _ => {
                let stdin = if commands::reads_input(name, arguments) {
                    Some(self.read_all(input, console).await?)
                } else {
                    None
                };
                if commands::may_print_much(name) {
                    self.take_turn().await;
                }
                let call = Call {
                    device: self.device,
                    folder: &mut self.folder,
                    variables: &mut self.variables,
                    name,
                    arguments,
                    stdin: stdin.as_deref().unwrap_or_default(),
                    output,
                    read_left: READ_MAX,
                };
                self.status = commands::run(call);
            }
        }
        Ok(Flow::On)
    }

    async fn read_all<C: Console>(&mut self, input: Input, console: &mut C) -> Result<Vec<u8>, Gone> {
        match input {
            Input::Bytes(bytes) => Ok(bytes),
            Input::Console => {
                console.flush().await?;
                let mut all = Vec::new();
                while let Some(bytes) = console.get().await {
                    if SMALL < all.len() + bytes.len() {
                        self.take_turn().await;
                    }
                    if all.len() + bytes.len() <= self.device.options.limits.output_max {
                        all.extend_from_slice(&bytes);
                    }
                }
                Ok(all)
            }
        }
    }

    async fn sh<C: Console>(
        &mut self,
        arguments: &[String],
        input: Input,
        output: &mut Output,
        console: &mut C,
    ) -> Result<Flow, Gone> {
        let script = match (arguments, input) {
            ([option, script, ..], _) if option == "-c" => script.clone(),
            ([], Input::Bytes(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
            // The shell that reads the console goes on reading it; one `exit` ends both.
            ([], Input::Console) => return Ok(Flow::On),
            ([path, ..], _) => {
                let read = self.device.handle.files().read(&resolve(&self.folder, path));
                match read {
                    Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                    Err(why) => {
                        output.put(Channel::Err, format!("sh: {path}: {why}\n").as_bytes());
                        self.status = 127;
                        return Ok(Flow::On);
                    }
                }
            }
        };
        match syntax::parse(&script) {
            Ok(list) => {
                let kept = (self.variables.clone(), self.folder.clone());
                self.status = 0;
                self.list(&list, None, output, console).await?;
                (self.variables, self.folder) = kept;
            }
            Err(why) => {
                output.put(Channel::Err, format!("/system/bin/sh: {why}\n").as_bytes());
                self.status = 1;
            }
        }
        Ok(Flow::On)
    }

    async fn sleep(&mut self, arguments: &[String], output: &mut Output) -> u8 {
        let mut total = 0.0;
        for argument in arguments {
            let (number, unit) = match argument.char_indices().last() {
                Some((at, 's')) => (&argument[..at], 1.0),
                Some((at, 'm')) => (&argument[..at], 60.0),
                Some((at, 'h')) => (&argument[..at], 3600.0),
                _ => (&argument[..], 1.0),
            };
            match number.parse::<f64>() {
                Ok(number) if number.is_finite() && 0.0 <= number => total += number * unit,
                _ => {
                    output.put(Channel::Err, format!("sleep: '{argument}' is not a number\n").as_bytes());
                    return 1;
                }
            }
        }
        if arguments.is_empty() {
            output.put(Channel::Err, b"sleep: needs an argument\n");
            return 1;
        }
        let max = self.device.options.limits.sleep_max;
        tokio::time::sleep(Duration::try_from_secs_f64(total).map_or(max, |wanted| wanted.min(max))).await;
        0
    }

    async fn screencap(&mut self, arguments: &[String], output: &mut Output) -> u8 {
        let (mut png, mut path) = (false, None);
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "-p" => png = true,
                "-d" => drop(rest.next()), // There is one display, whatever its number.
                "-h" | "--help" => {
                    output.put(Channel::Err, b"usage: screencap [-hp] [-d display-id] [FILENAME]\n");
                    return 1;
                }
                "-" => {}
                name => path = Some(name),
            }
        }
        // The name of a file says its format too.
        png |= path.is_some_and(|path| path.ends_with(".png"));
        let picture = picture::take(&self.device.handle, if png { Format::Png } else { Format::Raw }).await;
        let Some(name) = path else {
            output.put_owned(Channel::Out, picture.head);
            output.put_owned(Channel::Out, picture.body);
            return 0;
        };
        let path = resolve(&self.folder, name);
        let now = self.device.handle.now();
        let bytes = if picture.head.is_empty() { picture.body } else { [picture.head, picture.body].concat() };
        match self.device.handle.files().write(&path, bytes, now) {
            Ok(()) => 0,
            Err(why) => {
                output.put(Channel::Err, format!("Error opening file: {name} ({why})\n").as_bytes());
                1
            }
        }
    }

    /// Adds the words that a word stands for: variables and output are filled in, split, and patterns matched.
    async fn expand<C: Console>(
        &mut self,
        word: &Word,
        words: &mut Vec<String>,
        output: &mut Output,
        console: &mut C,
    ) -> Result<(), Gone> {
        let mut current: Option<String> = None;
        let mut pattern = false;
        let mut found = Vec::new();
        for piece in &word.0 {
            let (text, quoted, split) = match piece {
                Piece::Text { text, quoted } => (text.clone(), *quoted, false),
                Piece::Variable { name, quoted } => (self.variable(name), *quoted, !quoted),
                Piece::Output { of, quoted } => (self.substitute(of, output, console).await?, *quoted, !quoted),
            };
            self.expanded = self.expanded.saturating_add(text.len());
            if ARGUMENTS_MAX < self.expanded {
                break;
            }
            pattern |= !quoted && text.contains(['*', '?']);
            if !split {
                if quoted || !text.is_empty() {
                    current.get_or_insert_default().push_str(&text);
                }
                continue;
            }
            if text.starts_with(char::is_whitespace) {
                found.extend(current.take());
            }
            let mut fields = text.split_whitespace().peekable();
            while let Some(field) = fields.next() {
                current.get_or_insert_default().push_str(field);
                if fields.peek().is_some() || text.ends_with(char::is_whitespace) {
                    found.extend(current.take());
                }
            }
        }
        found.extend(current);
        for word in found {
            if pattern && word.contains(['*', '?']) && 0 < self.patterns {
                self.patterns -= 1;
                let files = self.device.handle.files();
                let matching = files.matching(&resolve(&self.folder, &word));
                if !matching.is_empty() {
                    words.extend(matching.into_iter().map(|found| named_as(found, &word)));
                    continue;
                }
            }
            words.push(word);
        }
        Ok(())
    }

    /// Fills in a word that is never split: the value of an assignment.
    async fn expand_quoted<C: Console>(
        &mut self,
        word: &Word,
        words: &mut Vec<String>,
        output: &mut Output,
        console: &mut C,
    ) -> Result<(), Gone> {
        let mut value = String::new();
        for piece in &word.0 {
            if ARGUMENTS_MAX < value.len() {
                break;
            }
            match piece {
                Piece::Text { text, .. } => value.push_str(text),
                Piece::Variable { name, .. } => value.push_str(&self.variable(name)),
                Piece::Output { of, .. } => value.push_str(&self.substitute(of, output, console).await?),
            }
        }
        words.push(value);
        Ok(())
    }

    fn variable(&self, name: &str) -> String {
        match name {
            "?" => self.status.to_string(),
            "$" => "4242".to_owned(),
            "#" => "0".to_owned(),
            "0" => "/system/bin/sh".to_owned(),
            "PWD" => self.folder.clone(),
            name => self.variables.get(name).unwrap_or_default().to_owned(),
        }
    }

    async fn substitute<C: Console>(
        &mut self,
        list: &List,
        output: &mut Output,
        console: &mut C,
    ) -> Result<String, Gone> {
        let kept = (self.variables.clone(), self.folder.clone(), self.expanded, self.patterns);
        let mut printed = Output::new(SMALL);
        self.list(list, None, &mut printed, console).await?;
        (self.variables, self.folder, self.expanded, self.patterns) = kept;
        let text = printed.split(Channel::Out, output);
        Ok(String::from_utf8_lossy(&text).trim_end_matches('\n').replace('\0', ""))
    }
}

impl Input {
    fn bytes(self) -> Option<Vec<u8>> {
        match self {
            Input::Console => None,
            Input::Bytes(bytes) => Some(bytes),
        }
    }
}

/// Where one of a command's two outputs goes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    Channel(Channel),
    File(String),
    Nowhere,
}

/// A found path as the pattern was written: `/sdcard/*.png` finds `/sdcard/a.png`, wherever that really lies.
fn named_as(found: &str, written: &str) -> String {
    let name = found.rsplit_once('/').map_or(found, |(_, name)| name);
    match written.rsplit_once('/') {
        None => name.to_owned(),
        Some((folder, _)) if !folder.contains(['*', '?']) => format!("{folder}/{name}"),
        Some(_) => found.to_owned(),
    }
}

/// Reads commands line by line and runs each as it arrives, until the input or the shell ends.
pub(super) async fn serve_lines<C: Console>(shell: &mut Shell<'_>, console: &mut C, typed: bool) -> Result<(), Gone> {
    let prompt = format!("{}:/ $ ", shell.device.options.identity.device);
    let mut line = Vec::new();
    let mut continued = 0;
    if typed {
        console.put(Channel::Out, prompt.as_bytes()).await?;
        console.flush().await?;
    }
    while let Some(bytes) = console.get().await {
        let (complete, rest) = if typed {
            type_in(&bytes, &mut line, console).await?
        } else {
            let end = bytes.iter().position(|byte| *byte == b'\n');
            line.extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
            (if end.is_some() { Typed::Line } else { Typed::Part }, &bytes[end.map_or(bytes.len(), |end| end + 1)..])
        };
        if syntax::TEXT_MAX < line.len() {
            console.put(Channel::Err, b"/system/bin/sh: the line is too long\n").await?;
            shell.status = 1;
            return Ok(());
        }
        if !rest.is_empty() {
            // Left on the console for a command that reads it.
            console.unget(rest.len());
        }
        match complete {
            Typed::Part => continue,
            Typed::End => return Ok(()),
            Typed::Line => {
                let text = String::from_utf8_lossy(&line).into_owned();
                match syntax::parse(&text) {
                    Ok(list) => {
                        if shell.run_list(&list, console).await? == Flow::Exit {
                            return Ok(());
                        }
                    }
                    // A quote or a group that goes on in the next line.
                    Err(SyntaxError::Unclosed(_)) if !typed && continued < CONTINUED_MAX => {
                        continued += 1;
                        line.push(b'\n');
                        continue;
                    }
                    Err(error) => {
                        shell.refuse(&error, console).await?;
                        // A shell that no person watches must not go on with what was meant to be something else.
                        if !typed {
                            return Ok(());
                        }
                    }
                }
                line.clear();
                continued = 0;
                if typed {
                    console.put(Channel::Out, prompt.as_bytes()).await?;
                    console.flush().await?;
                }
            }
        }
    }
    // The last line need not end.
    if !line.is_empty() && !typed {
        let text = String::from_utf8_lossy(&line).into_owned();
        shell.run(&text, console).await?;
    }
    Ok(())
}

enum Typed {
    Part,
    Line,
    End,
}

/// Does what a terminal does with keys: shows them, rubs out, and tells when a line is complete.
async fn type_in<'b, C: Console>(
    bytes: &'b [u8],
    line: &mut Vec<u8>,
    console: &mut C,
) -> Result<(Typed, &'b [u8]), Gone> {
    let mut echo = Vec::new();
    let mut typed = (Typed::Part, &bytes[bytes.len()..]);
    for (index, byte) in bytes.iter().enumerate() {
        match byte {
            b'\r' | b'\n' => {
                echo.push(b'\n');
                typed = (Typed::Line, &bytes[index + 1..]);
                break;
            }
            0x7f | 0x08 => {
                if !line.is_empty() {
                    echo.extend_from_slice(b"\x08 \x08");
                }
                // A letter may have several bytes.
                while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
            }
            0x03 => {
                echo.extend_from_slice(b"^C\n");
                line.clear();
                typed = (Typed::Line, &bytes[index + 1..]);
                break;
            }
            0x04 if line.is_empty() => {
                typed = (Typed::End, &bytes[index + 1..]);
                break;
            }
            byte => {
                line.push(*byte);
                echo.push(*byte);
            }
        }
    }
    console.put(Channel::Out, &echo).await?;
    console.flush().await?;
    Ok(typed)
}
