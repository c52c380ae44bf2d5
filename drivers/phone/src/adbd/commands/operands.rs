//! What commands are given: options, files, and the content of what they work on.

use std::sync::Arc;

use super::Call;
use crate::adbd::files::{FileError, resolve};

/// The arguments that are files: neither options nor their values, nor the pattern of `grep` or the script of `sed`.
pub(super) fn operands<'a>(name: &str, arguments: &'a [String]) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut pattern_given = !name.ends_with("grep") && name != "sed";
    let mut rest = arguments.iter();
    let mut options = true;
    while let Some(word) = rest.next() {
        if options && word == "--" {
            options = false;
        } else if options && word.len() > 1 && word.starts_with('-') {
            if takes_value(name, word) {
                pattern_given |= word.ends_with('e');
                rest.next();
            } else if !pattern_given && word.starts_with("-e") {
                pattern_given = true;
            }
        } else if !pattern_given {
            pattern_given = true;
        } else {
            found.push(word.as_str());
        }
    }
    found
}

fn takes_value(name: &str, option: &str) -> bool {
    match name {
        "head" | "tail" => matches!(option, "-n" | "-c"),
        "grep" | "egrep" | "fgrep" => matches!(option, "-e" | "-m" | "-A" | "-B" | "-C"),
        "sed" => option.ends_with('e') && !option.starts_with("--"),
        "stat" => option == "-c",
        "sort" => matches!(option, "-k" | "-t"),
        "cut" => matches!(option, "-d" | "-f" | "-c" | "-b"),
        "base64" => option == "-w",
        "mkdir" => option == "-m",
        "touch" => matches!(option, "-t" | "-d"),
        _ => false,
    }
}

/// All one-letter options together.
pub(super) fn flags(call: &Call<'_>) -> String {
    call.arguments.iter().filter(|word| word.len() > 1 && word.starts_with('-')).map(|word| &word[1..]).collect()
}

pub(super) fn path(call: &Call<'_>, name: &str) -> String {
    resolve(call.folder, name)
}

/// Calls `act` for each operand and complains as `NAME: FILE: why` where it fails.
pub(super) fn each(call: &mut Call<'_>, act: impl FnMut(&mut Call<'_>, &str) -> Result<(), FileError>) -> u8 {
    let names: Vec<String> = operands(call.name, call.arguments).into_iter().map(str::to_owned).collect();
    if names.is_empty() {
        call.complain(&format!("{}: Needs 1 argument\n", call.name));
        return 1;
    }
    for_each(call, &names, act)
}

/// The same for names that were found in another way.
pub(super) fn for_each(
    call: &mut Call<'_>,
    names: &[String],
    mut act: impl FnMut(&mut Call<'_>, &str) -> Result<(), FileError>,
) -> u8 {
    let mut status = 0;
    for name in names {
        if call.output.is_cut() {
            return 1;
        }
        if let Err(why) = act(call, name) {
            call.complain(&format!("{}: {name}: {why}\n", call.name));
            status = 1;
        }
    }
    status
}

/// The content of a file that a command reads; `-` is its input.
pub(super) fn content(call: &mut Call<'_>, name: &str) -> Result<Arc<Vec<u8>>, FileError> {
    let bytes = match name {
        "-" | "/dev/stdin" => Arc::new(call.stdin.to_vec()),
        "/dev/null" => Arc::default(),
        name => {
            let path = path(call, name);
            match super::process::proc_file(call.handle(), &path) {
                Some(text) => Arc::new(text.into_bytes()),
                None => call.handle().files().read(&path)?,
            }
        }
    };
    // The same file can be named a hundred thousand times.
    call.read_left = call.read_left.checked_sub(bytes.len()).ok_or(FileError::TooMuch)?;
    Ok(bytes)
}

/// A name and what it stands for.
pub(super) type NamedContent = (String, Arc<Vec<u8>>);

/// What the command works on, each with its name: files, or its input.
pub(super) fn inputs(call: &mut Call<'_>) -> (Vec<NamedContent>, u8) {
    let names: Vec<String> = operands(call.name, call.arguments).into_iter().map(str::to_owned).collect();
    if names.is_empty() {
        return (vec![("-".to_owned(), Arc::new(call.stdin.to_vec()))], 0);
    }
    let (mut found, mut status) = (Vec::new(), 0);
    for name in names {
        match content(call, &name) {
            Ok(bytes) => found.push((name, bytes)),
            Err(why) => {
                call.complain(&format!("{}: {name}: {why}\n", call.name));
                status = if call.name.ends_with("grep") { 2 } else { 1 };
            }
        }
    }
    (found, status)
}

pub(super) fn lines(bytes: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n')
}
