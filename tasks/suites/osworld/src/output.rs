//! What getters give to evaluator functions: values, and files that were fetched.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::error::EvaluatorErrorKind;
use crate::python::{text, value};

/// Longer than any text or document of the tasks; what is longer is not judged.
pub const FILE_BYTES_MAX: usize = 64 << 20;

/// A file of the device or of the task set, as it was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateFile {
    /// What it is called, for messages and for functions that go by how a name ends.
    pub name: String,
    pub bytes: Arc<[u8]>,
    /// Files that were fetched with it and lie in one folder with it, where a function may look for them by their names.
    pub beside: Vec<StateFile>,
}

impl StateFile {
    pub fn new(name: impl Into<String>, bytes: impl Into<Arc<[u8]>>) -> StateFile {
        StateFile { name: name.into(), bytes: bytes.into(), beside: Vec::new() }
    }

    /// The file as Python's text mode reads it.
    pub(crate) fn text(&self) -> Result<String, EvaluatorErrorKind> {
        text::decode(self.bounded()?).map_err(|at| self.no_text(at))
    }

    /// The file as UTF-8 with its line ends.
    pub(crate) fn text_as_is(&self) -> Result<&str, EvaluatorErrorKind> {
        text::decode_as_is(self.bounded()?).map_err(|at| self.no_text(at))
    }

    pub(crate) fn bounded(&self) -> Result<&[u8], EvaluatorErrorKind> {
        if self.bytes.len() > FILE_BYTES_MAX {
            return Err(EvaluatorErrorKind::TooLarge { what: self.name.clone(), bytes_max: FILE_BYTES_MAX as u64 });
        }
        Ok(&self.bytes)
    }

    fn no_text(&self, at: usize) -> EvaluatorErrorKind {
        EvaluatorErrorKind::unreadable(&self.name, format!("byte {at} is not UTF-8"))
    }
}

/// What a getter gives. `None` of upstream is a null value; a file that is not there too.
#[derive(Clone, Debug, PartialEq)]
pub enum GetterOutput {
    Value(Value),
    File(StateFile),
    Files(Vec<Option<StateFile>>),
}

impl GetterOutput {
    pub fn nothing() -> GetterOutput {
        GetterOutput::Value(Value::Null)
    }
}

/// What an evaluator function is called with.
#[derive(Clone, Copy, Debug)]
pub struct MetricInputs<'a> {
    pub result: &'a GetterOutput,
    pub expected: Option<&'a GetterOutput>,
    pub options: &'a Map<String, Value>,
}

impl<'a> MetricInputs<'a> {
    /// What was found, where the function takes a value.
    pub(crate) fn value(&self) -> Result<&'a Value, EvaluatorErrorKind> {
        match self.result {
            GetterOutput::Value(value) => Ok(value),
            GetterOutput::File(_) | GetterOutput::Files(_) => {
                Err(EvaluatorErrorKind::output("a file was fetched where a value is compared"))
            }
        }
    }

    /// What was found, where the function takes a file; `None` if it is not there.
    pub(crate) fn file(&self) -> Result<Option<&'a StateFile>, EvaluatorErrorKind> {
        one_file(self.result, "the result")
    }

    /// The file, where upstream's function raises without one.
    pub(crate) fn present_file(&self) -> Result<&'a StateFile, EvaluatorErrorKind> {
        self.file()?.ok_or_else(|| EvaluatorErrorKind::output("the file that is judged is not there"))
    }

    fn expectation(&self) -> Result<&'a GetterOutput, EvaluatorErrorKind> {
        self.expected.ok_or_else(|| EvaluatorErrorKind::rule("`expected` is missing"))
    }

    /// The file that the result is compared with.
    pub(crate) fn expected_file(&self) -> Result<Option<&'a StateFile>, EvaluatorErrorKind> {
        one_file(self.expectation()?, "what is expected")
    }

    /// The files that the result is compared with.
    pub(crate) fn expected_files(&self) -> Result<Vec<Option<&'a StateFile>>, EvaluatorErrorKind> {
        files(self.expectation()?, "what is expected")
    }

    pub(crate) fn files(&self) -> Result<Vec<Option<&'a StateFile>>, EvaluatorErrorKind> {
        files(self.result, "the result")
    }

    /// The task's rule.
    pub(crate) fn rule(&self) -> Result<&'a Value, EvaluatorErrorKind> {
        match self.expectation()? {
            GetterOutput::Value(value) => Ok(value),
            GetterOutput::File(_) | GetterOutput::Files(_) => {
                Err(EvaluatorErrorKind::rule("`expected` is a file; this function takes a rule"))
            }
        }
    }

    /// What the rule has under a key.
    pub(crate) fn rule_at(&self, key: &str) -> Result<&'a Value, EvaluatorErrorKind> {
        self.rule()?.get(key).ok_or_else(|| EvaluatorErrorKind::rule(format!("it has no `{key}`")))
    }

    pub(crate) fn rule_text(&self, key: &str) -> Result<&'a str, EvaluatorErrorKind> {
        self.rule_at(key)?.as_str().ok_or_else(|| EvaluatorErrorKind::rule(format!("`{key}` is no text")))
    }

    /// A list under a key of the rule; an absent one is empty.
    pub(crate) fn rule_list(&self, key: &str) -> Result<&'a [Value], EvaluatorErrorKind> {
        match self.rule()?.get(key) {
            None => Ok(&[]),
            Some(Value::Array(items)) => Ok(items),
            Some(_) => Err(EvaluatorErrorKind::rule(format!("`{key}` is no list"))),
        }
    }

    /// A list of texts under a key of the rule; an absent one is empty.
    pub(crate) fn rule_texts(&self, key: &str) -> Result<Vec<&'a str>, EvaluatorErrorKind> {
        texts(self.rule_list(key)?).ok_or_else(|| EvaluatorErrorKind::rule(format!("`{key}` holds what is no text")))
    }

    pub(crate) fn option(&self, name: &str, default: bool) -> bool {
        self.options.get(name).map_or(default, value::is_true)
    }
}

/// All of a list's texts; `None` if something else is among them.
pub(crate) fn texts(items: &[Value]) -> Option<Vec<&str>> {
    items.iter().map(Value::as_str).collect()
}

fn one_file<'a>(output: &'a GetterOutput, what: &str) -> Result<Option<&'a StateFile>, EvaluatorErrorKind> {
    match output {
        GetterOutput::File(file) => Ok(Some(file)),
        GetterOutput::Value(Value::Null) => Ok(None),
        GetterOutput::Value(_) => {
            Err(EvaluatorErrorKind::output(format!("{what} is a value; this function takes a file")))
        }
        GetterOutput::Files(_) => {
            Err(EvaluatorErrorKind::output(format!("{what} is several files; this function takes one")))
        }
    }
}

fn files<'a>(output: &'a GetterOutput, what: &str) -> Result<Vec<Option<&'a StateFile>>, EvaluatorErrorKind> {
    match output {
        GetterOutput::Files(files) => Ok(files.iter().map(Option::as_ref).collect()),
        other => Ok(vec![one_file(other, what)?]),
    }
}
