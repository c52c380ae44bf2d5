//! Named repairs of tasks: changes of single steps, kept as data apart from the set, and applied only where somebody asks for it.

use serde_json::Value;

use crate::defect::TaskDefect;
use crate::place::{JsonPath, PathStep};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RepairError {
    #[error("the repairs cannot be read: {why}")]
    Malformed { why: String },
    #[error("the repair of {id} does not fit this task set: {why}")]
    Unfit { id: String, why: String },
}

impl RepairError {
    pub(crate) fn unfit(id: &str, defects: &[TaskDefect]) -> RepairError {
        let why = defects
            .first()
            .map_or_else(String::new, |defect| format!("it would leave a task with mistakes: {}", defect.why));
        RepairError::Unfit { id: id.to_owned(), why }
    }
}

/// What is changed in one task.
#[derive(Clone, Debug, PartialEq)]
pub struct Repair {
    pub id: String,
    pub why: String,
    operations: Vec<Operation>,
}

#[derive(Clone, Debug, PartialEq)]
struct Operation {
    path: JsonPath,
    /// The verb of the step that is changed, as a check that it is the right set.
    verb: Option<String>,
    /// What it becomes; nothing takes it out.
    value: Option<Value>,
}

/// Reads `{"repairs": [{"id": …, "why": …, "operations": [{"op": "replace" | "remove", "path": …, "old_type": …, "value": …}]}]}`.
///
/// # Errors
/// If it is none.
pub fn read_repairs(text: &str) -> Result<Vec<Repair>, RepairError> {
    let malformed = |why: &str| RepairError::Malformed { why: why.to_owned() };
    let value: Value = serde_json::from_str(text).map_err(|error| malformed(&format!("it is no JSON: {error}")))?;
    let repairs =
        value.get("repairs").and_then(Value::as_array).ok_or_else(|| malformed("it has no list `repairs`"))?;
    repairs
        .iter()
        .map(|repair| {
            let text = |key: &str| {
                let text = repair.get(key).and_then(Value::as_str).map(str::to_owned);
                text.ok_or_else(|| malformed(&format!("a repair has no text `{key}`")))
            };
            let operations = repair.get("operations").and_then(Value::as_array);
            let operations = operations.ok_or_else(|| malformed("a repair has no list `operations`"))?;
            let operations = operations.iter().map(operation).collect::<Result<_, _>>()?;
            Ok(Repair { id: text("id")?, why: text("why")?, operations })
        })
        .collect()
}

fn operation(value: &Value) -> Result<Operation, RepairError> {
    let malformed = |why: &str| RepairError::Malformed { why: why.to_owned() };
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let path = text("path").and_then(JsonPath::parse).ok_or_else(|| malformed("an operation has no `path`"))?;
    let new = match text("op") {
        Some("remove") => None,
        Some("replace") => {
            let new = value.get("value").or_else(|| value.get("value_ours"));
            Some(new.ok_or_else(|| malformed("a `replace` has no `value`"))?.clone())
        }
        _ => return Err(malformed("an operation is neither `replace` nor `remove`")),
    };
    Ok(Operation { path, verb: text("old_type").map(str::to_owned), value: new })
}

impl Repair {
    /// A task's content with the changes, one after the other.
    ///
    /// # Errors
    /// If what is changed is not there.
    pub fn apply(&self, source: &Value) -> Result<Value, RepairError> {
        let mut changed = source.clone();
        for operation in &self.operations {
            let unfit =
                |why: &str| RepairError::Unfit { id: self.id.clone(), why: format!("{} {why}", operation.path) };
            let Some((last, way)) = operation.path.0.split_last() else { return Err(unfit("is the whole task")) };
            let mut parent = &mut changed;
            for step in way {
                parent = inside(parent, step).ok_or_else(|| unfit("is not there"))?;
            }
            let old = inside(parent, last).ok_or_else(|| unfit("is not there"))?;
            let verb = old.get("type").and_then(Value::as_str);
            if operation.verb.as_deref().is_some_and(|expected| verb != Some(expected)) {
                return Err(unfit(&format!("is {verb:?}, not {:?}", operation.verb)));
            }
            match (&operation.value, parent, last) {
                (Some(new), parent, last) => *inside(parent, last).expect("it was there") = new.clone(),
                (None, Value::Array(items), PathStep::Index(index)) => drop(items.remove(*index)),
                (None, Value::Object(map), PathStep::Key(key)) => drop(map.remove(key)),
                (None, ..) => return Err(unfit("cannot be taken out")),
            }
        }
        Ok(changed)
    }
}

fn inside<'a>(value: &'a mut Value, step: &PathStep) -> Option<&'a mut Value> {
    match step {
        PathStep::Key(key) => value.as_object_mut()?.get_mut(key),
        PathStep::Index(index) => value.as_array_mut()?.get_mut(*index),
    }
}
