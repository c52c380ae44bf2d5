//! Commands on files: `ls`, `cat`, `rm` and their like.

use std::sync::Arc;

use md5::{Digest, Md5};

use super::text::operands;
use super::{Call, basics};
use crate::adbd::files::{FileError, Kind, Node, resolve};

fn path(call: &Call<'_>, name: &str) -> String {
    resolve(call.folder, name)
}

fn flags(call: &Call<'_>) -> String {
    call.arguments.iter().filter(|word| word.len() > 1 && word.starts_with('-')).map(|word| &word[1..]).collect()
}

/// Calls `act` for each operand and complains as `NAME: FILE: why` where it fails.
fn each(call: &mut Call<'_>, mut act: impl FnMut(&mut Call<'_>, &str) -> Result<(), FileError>) -> u8 {
    let names: Vec<String> = operands(call.name, call.arguments).into_iter().map(str::to_owned).collect();
    if names.is_empty() {
        call.complain(&format!("{}: Needs 1 argument\n", call.name));
        return 1;
    }
    let mut status = 0;
    for name in names {
        if call.output.is_cut() {
            return 1;
        }
        if let Err(why) = act(call, &name) {
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
        name => call.handle().files().read(&path(call, name))?,
    };
    // The same file can be named a hundred thousand times.
    call.read_left = call.read_left.checked_sub(bytes.len()).ok_or(FileError::TooMuch)?;
    Ok(bytes)
}

pub(super) fn cat(call: &mut Call<'_>) -> u8 {
    if operands(call.name, call.arguments).is_empty() {
        let bytes = call.stdin;
        call.write(bytes);
        return 0;
    }
    each(call, |call, name| {
        let bytes = content(call, name)?;
        call.write(&bytes);
        Ok(())
    })
}

pub(super) fn cd(call: &mut Call<'_>) -> u8 {
    let name = call.arguments.first().cloned().unwrap_or_else(|| "/".to_owned());
    let path = path(call, &name);
    let found = call.handle().files().find(&path).map(Node::is_folder);
    match found {
        Ok(true) => {
            *call.folder = path;
            0
        }
        other => {
            let why = other.err().unwrap_or(FileError::NotAFolder);
            call.complain(&format!("/system/bin/sh: cd: {name}: {why}\n"));
            2
        }
    }
}

pub(super) fn ls(call: &mut Call<'_>) -> u8 {
    let flags = flags(call);
    let mut names: Vec<String> = operands(call.name, call.arguments).into_iter().map(str::to_owned).collect();
    if names.is_empty() {
        names.push(".".to_owned());
    }
    let several = 1 < names.len();
    let mut status = 0;
    for (index, name) in names.iter().enumerate() {
        let path = path(call, name);
        let listed = {
            let files = call.handle().files();
            files.find(&path).cloned().and_then(|node| match node.kind {
                Kind::Folder if !flags.contains('d') => Ok((
                    true,
                    files
                        .list(&path)?
                        .into_iter()
                        .map(|(name, node)| (name.to_owned(), node.clone()))
                        .collect::<Vec<_>>(),
                )),
                _ => Ok((false, vec![(name.clone(), node)])),
            })
        };
        let (is_folder, entries) = match listed {
            Ok(listed) => listed,
            Err(why) => {
                call.complain(&format!("ls: {name}: {why}\n"));
                status = 1;
                continue;
            }
        };
        if several && is_folder {
            call.say(&format!("{}{name}:\n", if index == 0 { "" } else { "\n" }));
        }
        if is_folder && flags.contains('l') {
            call.say(&format!("total {}\n", entries.iter().map(|(_, node)| node.size().div_ceil(1024)).sum::<u64>()));
        }
        for (name, node) in entries {
            if is_folder && name.starts_with('.') && !flags.contains(['a', 'A']) {
                continue;
            }
            if flags.contains('l') {
                let when = basics::format_time(node.modified, "%Y-%m-%d %H:%M");
                let kind = if node.is_folder() { "drwxrwx--x 2" } else { "-rw-rw---- 1" };
                call.say(&format!("{kind} shell shell {:>8} {when} {name}\n", node.size()));
            } else {
                call.say(&format!("{name}\n"));
            }
        }
    }
    status
}

pub(super) fn mkdir(call: &mut Call<'_>) -> u8 {
    let parents = flags(call).contains('p');
    let now = call.handle().now();
    each(call, |call, name| {
        let path = path(call, name);
        call.handle().files().make_folder(&path, parents, now)
    })
}

pub(super) fn rmdir(call: &mut Call<'_>) -> u8 {
    each(call, |call, name| {
        let path = path(call, name);
        call.handle().files().remove_folder(&path)
    })
}

pub(super) fn rm(call: &mut Call<'_>) -> u8 {
    let flags = flags(call);
    let (whole, force) = (flags.contains(['r', 'R']), flags.contains('f'));
    if force && operands(call.name, call.arguments).is_empty() {
        return 0;
    }
    each(call, |call, name| {
        let path = path(call, name);
        match call.handle().files().remove(&path, whole) {
            Err(FileError::NotFound) if force => Ok(()),
            done => done,
        }
    })
}

pub(super) fn touch(call: &mut Call<'_>) -> u8 {
    let now = call.handle().now();
    each(call, |call, name| {
        let path = path(call, name);
        let mut files = call.handle().files();
        match files.read(&path) {
            Err(FileError::NotFound) => files.write(&path, Vec::new(), now),
            Ok(bytes) => files.write(&path, bytes.to_vec(), now),
            Err(FileError::IsAFolder) => Ok(()),
            Err(why) => Err(why),
        }
    })
}

/// `cp` and `mv`, of files into files or folders.
pub(super) fn copy(call: &mut Call<'_>) -> u8 {
    let names: Vec<String> = operands(call.name, call.arguments).into_iter().map(str::to_owned).collect();
    let Some((target, sources @ [_, ..])) = names.split_last() else {
        call.complain(&format!("{}: Needs 2 arguments\n", call.name));
        return 1;
    };
    let now = call.handle().now();
    let moves = call.name == "mv";
    let mut status = 0;
    for source in sources {
        let (from, mut to) = (path(call, source), path(call, target));
        let done = {
            let mut files = call.handle().files();
            if files.find(&to).is_ok_and(Node::is_folder) {
                to = format!("{to}/{}", from.rsplit('/').next().unwrap_or_default());
            }
            // Where nothing moves, nothing must be removed either.
            files.read(&from).and_then(|bytes| match from == to {
                true => Err(FileError::Exists),
                false => {
                    files.write(&to, bytes.to_vec(), now)?;
                    if moves { files.remove(&from, false) } else { Ok(()) }
                }
            })
        };
        if let Err(why) = done {
            call.complain(&format!("{}: {source}: {why}\n", call.name));
            status = 1;
        }
    }
    status
}

pub(super) fn tee(call: &mut Call<'_>) -> u8 {
    let bytes = call.stdin;
    call.write(bytes);
    if operands(call.name, call.arguments).is_empty() {
        return 0;
    }
    let now = call.handle().now();
    let append = flags(call).contains('a');
    each(call, |call, name| {
        let path = path(call, name);
        let mut files = call.handle().files();
        let mut whole =
            if append { files.read(&path).map(|bytes| bytes.to_vec()).unwrap_or_default() } else { Vec::new() };
        whole.extend_from_slice(call.stdin);
        files.write(&path, whole, now)
    })
}

pub(super) fn stat(call: &mut Call<'_>) -> u8 {
    let format = call.arguments.iter().position(|word| word == "-c").and_then(|at| call.arguments.get(at + 1)).cloned();
    each(call, |call, name| {
        let path = path(call, name);
        let node = call.handle().files().find(&path)?.clone();
        let (size, mode) = (node.size(), node.mode());
        let kind = if node.is_folder() { "directory" } else { "regular file" };
        let text = match &format {
            Some(format) => {
                let filled = format
                    .replace("%s", &size.to_string())
                    .replace("%n", name)
                    .replace("%F", kind)
                    .replace("%a", &format!("{:o}", mode & 0o777))
                    .replace("%f", &format!("{mode:x}"))
                    .replace("%Y", &node.modified.to_string());
                format!("{filled}\n")
            }
            None => format!(
                "  File: {name}\n  Size: {size}\t Blocks: {}\t IO Blocks: 512\t{kind}\n\
                 Access: ({:04o})\tUid: ( 2000/   shell)\tGid: ( 2000/   shell)\nModify: {}\n",
                size.div_ceil(512),
                mode & 0o7777,
                basics::format_time(node.modified, "%Y-%m-%d %H:%M:%S.000000000 +0000")
            ),
        };
        call.say(&text);
        Ok(())
    })
}

pub(super) fn md5sum(call: &mut Call<'_>) -> u8 {
    let digest = |bytes: &[u8]| Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    if operands(call.name, call.arguments).is_empty() {
        let sum = digest(call.stdin);
        call.say(&format!("{sum}  -\n"));
        return 0;
    }
    let brief = flags(call).contains('b');
    each(call, |call, name| {
        let sum = digest(&content(call, name)?);
        call.say(&if brief { format!("{sum}\n") } else { format!("{sum}  {name}\n") });
        Ok(())
    })
}

pub(super) fn df(call: &mut Call<'_>) -> u8 {
    let (used, max) = {
        let files = call.handle().files();
        (files.used().div_ceil(1024), files.max() / 1024)
    };
    call.say(&format!(
        "Filesystem     1K-blocks    Used Available Use% Mounted on\n/dev/fuse      {max:>9} {used:>7} {:>9} {:>3}% /storage/emulated\n",
        max.saturating_sub(used),
        100 * used / max.max(1)
    ));
    0
}
