//! What decides which commands of a script run, and how often: conditions, loops, cases, functions.

use std::sync::Arc;

use super::input::Input;
use super::{DEPTH_MAX, FUNCTIONS_MAX, Flow, Shell};
use crate::adbd::output::Output;
use crate::adbd::pattern::Pattern;
use crate::adbd::stream::Disconnected;
use crate::adbd::syntax::{Construct, List, Stage, Word};
use crate::adbd::terminal::Console;

impl Shell {
    pub(super) async fn perform<C: Console>(
        &mut self,
        what: &Construct,
        input: &mut Input,
        output: &mut Output,
        console: &mut C,
    ) -> Result<Flow, Disconnected> {
        match what {
            Construct::Command { assignments, words } => self.command(assignments, words, input, output, console).await,
            Construct::Group(list) => self.list(list, input, output, console).await,
            Construct::Subshell(list) => {
                let kept = self.scope.clone();
                self.list(list, input, output, console).await?;
                self.scope = kept;
                Ok(Flow::On)
            }
            Construct::If { branches, otherwise } => {
                for (condition, body) in branches {
                    let flow = self.condition(condition, input, output, console).await?;
                    if flow != Flow::On {
                        return Ok(flow);
                    }
                    if self.status == 0 {
                        return self.list(body, input, output, console).await;
                    }
                }
                self.status = 0;
                match otherwise {
                    Some(body) => self.list(body, input, output, console).await,
                    None => Ok(Flow::On),
                }
            }
            Construct::While { until, condition, body } => {
                self.repeat(*until, (condition, body), input, output, console).await
            }
            Construct::For { name, words, body } => {
                self.each(name, words.as_deref(), body, input, output, console).await
            }
            Construct::Case { word, arms } => self.case(word, arms, input, output, console).await,
            Construct::Function { name, body } => {
                self.status = 0;
                if self.scope.functions.len() < FUNCTIONS_MAX || self.scope.functions.contains_key(name) {
                    self.scope.functions.insert(name.clone(), body.clone());
                } else {
                    self.complain(output, &format!("{name}: too many functions"));
                    self.status = 1;
                }
                Ok(Flow::On)
            }
            Construct::Background(list) => {
                self.in_background(list.clone(), output);
                Ok(Flow::On)
            }
        }
    }

    async fn condition<C: Console>(
        &mut self,
        list: &List,
        input: &mut Input,
        output: &mut Output,
        console: &mut C,
    ) -> Result<Flow, Disconnected> {
        self.guarded += 1;
        let flow = self.list(list, input, output, console).await;
        self.guarded -= 1;
        flow
    }

    async fn repeat<C: Console>(
        &mut self,
        until: bool,
        (condition, body): (&List, &List),
        input: &mut Input,
        output: &mut Output,
        console: &mut C,
    ) -> Result<Flow, Disconnected> {
        let mut status = 0;
        self.loops += 1;
        let flow = loop {
            let flow = self.condition(condition, input, output, console).await?;
            if flow != Flow::On {
                break flow;
            }
            if (self.status == 0) == until {
                self.status = status;
                break Flow::On;
            }
            if let Some(left) = leave_round(self.list(body, input, output, console).await?) {
                break left;
            }
            status = self.status;
        };
        self.loops -= 1;
        Ok(flow)
    }

    async fn each<C: Console>(
        &mut self,
        name: &str,
        words: Option<&[Word]>,
        body: &List,
        input: &mut Input,
        output: &mut Output,
        console: &mut C,
    ) -> Result<Flow, Disconnected> {
        let values = match words {
            Some(words) => match self.words(words, output, console).await? {
                Some(values) => values,
                None => return Ok(Flow::On),
            },
            None => self.scope.arguments.clone(),
        };
        self.status = 0;
        self.loops += 1;
        let mut flow = Flow::On;
        for value in values {
            if !self.scope.variables.set(name, &value) {
                self.complain(output, &format!("{name}: no room for its value"));
                self.status = 1;
                break;
            }
            if let Some(left) = leave_round(self.list(body, input, output, console).await?) {
                flow = left;
                break;
            }
        }
        self.loops -= 1;
        Ok(flow)
    }

    async fn case<C: Console>(
        &mut self,
        word: &Word,
        arms: &[(Vec<Word>, List)],
        input: &mut Input,
        output: &mut Output,
        console: &mut C,
    ) -> Result<Flow, Disconnected> {
        self.expanded = 0;
        let text = self.expand_unsplit(word, false, output, console).await?;
        self.status = 0;
        for (patterns, body) in arms {
            for pattern in patterns {
                let pattern = self.expand_unsplit(pattern, true, output, console).await?;
                if Pattern::new(&pattern).fits(&text) {
                    self.status = 0;
                    return self.list(body, input, output, console).await;
                }
            }
        }
        Ok(Flow::On)
    }

    /// Runs a function.
    pub(super) async fn call<C: Console>(
        &mut self,
        body: &Arc<Stage>,
        arguments: &[String],
        input: &mut Input,
        output: &mut Output,
        console: &mut C,
    ) -> Result<Flow, Disconnected> {
        if self.depth == DEPTH_MAX {
            self.complain(output, "nested too deeply");
            self.status = 1;
            return Ok(Flow::On);
        }
        self.depth += 1;
        let kept = std::mem::replace(&mut self.scope.arguments, arguments.to_vec());
        let loops = std::mem::take(&mut self.loops);
        self.locals.push(Vec::new());
        self.status = 0;
        let flow = self.stage(body, input, output, console).await?;
        for (name, value) in self.locals.pop().unwrap_or_default().into_iter().rev() {
            match value {
                // What was there before fits again.
                Some(value) => drop(self.scope.variables.set(&name, &value)),
                None => self.scope.variables.remove(&name),
            }
        }
        self.loops = loops;
        self.scope.arguments = kept;
        self.depth -= 1;
        Ok(match flow {
            Flow::Exit => Flow::Exit,
            Flow::On | Flow::Return | Flow::Break(_) | Flow::Continue(_) => Flow::On,
        })
    }
}

/// What leaves a loop, after one round of it.
fn leave_round(flow: Flow) -> Option<Flow> {
    match flow {
        Flow::On | Flow::Continue(1) => None,
        Flow::Break(1) => Some(Flow::On),
        Flow::Break(more) => Some(Flow::Break(more - 1)),
        Flow::Continue(more) => Some(Flow::Continue(more - 1)),
        Flow::Exit | Flow::Return => Some(flow),
    }
}
