//! `content`: the settings as a content provider, which is what some clients turn the screen with.

use super::{Call, settings};

const SPACES: [&str; 3] = ["system", "secure", "global"];

/// What is asked of a provider.
struct Question<'a> {
    uri: &'a str,
    binds: Vec<(&'a str, &'a str)>,
    condition: Option<&'a str>,
    projection: Option<&'a str>,
}

impl<'a> Question<'a> {
    fn read(arguments: &[&'a str]) -> Option<Question<'a>> {
        let mut question = Question { uri: "", binds: Vec::new(), condition: None, projection: None };
        let mut rest = arguments.iter();
        while let Some(option) = rest.next() {
            let value = rest.next().copied()?;
            match *option {
                "--uri" => question.uri = value,
                "--bind" => {
                    let mut parts = value.splitn(3, ':');
                    let (name, _, value) = (parts.next()?, parts.next()?, parts.next()?);
                    question.binds.push((name, value));
                }
                "--where" => question.condition = Some(value),
                "--projection" => question.projection = Some(value),
                "--user" | "--sort" => {}
                _ => return None,
            }
        }
        Some(question)
    }

    /// Which settings it is about.
    fn space(&self) -> Option<&'a str> {
        let space = self.uri.strip_prefix("content://settings/")?;
        SPACES
            .into_iter()
            .find(|known| space == *known || space.starts_with(&format!("{known}/")))
            .map(|known| &space[..known.len()])
    }

    fn bound_value(&self, name: &str) -> Option<&'a str> {
        self.binds.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// The name in `name='x'` or at the end of the address.
    fn name(&self) -> Option<String> {
        if let Some(condition) = self.condition {
            let (column, value) = condition.split_once('=')?;
            let value = value.trim().trim_matches(['\'', '"', '\\']);
            return (column.trim() == "name").then(|| value.to_owned());
        }
        let name = self.uri.strip_prefix("content://settings/")?.split('/').nth(1)?;
        Some(name.to_owned())
    }
}

pub(super) fn content(call: &mut Call<'_>) -> u8 {
    let arguments = call.arguments();
    let Some((verb, question)) = arguments.split_first().and_then(|(verb, rest)| Some((*verb, Question::read(rest)?)))
    else {
        call.complain("usage: adb shell content [insert|update|delete|query] --uri <URI> [--bind <NAME>:<TYPE>:<VALUE>...] [--where <WHERE>] [--projection <NAMES>]\n");
        return 1;
    };
    let Some(space) = question.space() else {
        let authority = question.uri.strip_prefix("content://").unwrap_or(question.uri);
        let authority = authority.split('/').next().unwrap_or_default();
        call.complain(&format!(
            "Error while accessing provider:{authority}\njava.lang.IllegalStateException: Could not find provider: {authority}\n"
        ));
        return 1;
    };
    match verb {
        "insert" | "update" => {
            let name = question.bound_value("name").map(str::to_owned).or_else(|| question.name());
            let (Some(name), Some(value)) = (name, question.bound_value("value")) else {
                call.complain("[ERROR] a setting needs --bind name:s:NAME and --bind value:s:VALUE\n");
                return 1;
            };
            settings::write_setting(call, space, &name, value)
        }
        "delete" => match question.name() {
            Some(name) => {
                call.handle().settings().delete(space, &name);
                0
            }
            None => {
                call.complain("[ERROR] say which setting: --where \"name='NAME'\"\n");
                1
            }
        },
        "query" => {
            query(call, space, &question);
            0
        }
        unknown => {
            call.complain(&format!("[ERROR] Unsupported operation: {unknown}\n"));
            1
        }
    }
}

fn query(call: &mut Call<'_>, space: &str, question: &Question<'_>) {
    let wanted = question.name();
    let columns: Vec<&str> =
        question.projection.unwrap_or("_id:name:value:is_preserved_in_restore").split(':').collect();
    let mut rows = 0;
    for (index, (name, value)) in settings::all(call, space).into_iter().enumerate() {
        if wanted.as_ref().is_some_and(|wanted| *wanted != name) {
            continue;
        }
        let cells: Vec<String> = columns
            .iter()
            .map(|column| match *column {
                "_id" => format!("_id={}", index + 1),
                "name" => format!("name={name}"),
                "value" => format!("value={value}"),
                other => format!("{other}=NULL"),
            })
            .collect();
        call.say(&format!("Row: {rows} {}\n", cells.join(", ")));
        rows += 1;
    }
    if rows == 0 {
        call.say("No result found.\n");
    }
}
