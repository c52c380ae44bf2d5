//! Commands on files: `ls`, `cat`, `rm` and their like.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha2::{Digest, Sha256};

use super::operands::{content, each, flags, inputs, operands, path};
use super::{Call, basics};
use crate::adbd::files::{FileError, Node};
use crate::adbd::pattern::Pattern;

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
    let titled = 1 < names.len() || flags.contains('R');
    let mut status = 0;
    // Folders that are found on the way are listed after the one that they are in.
    let mut rest: std::collections::VecDeque<String> = names.into();
    let mut first = true;
    while let Some(name) = rest.pop_front() {
        if call.output.is_cut() {
            return 1;
        }
        match listing(call, &name, flags.contains('d')) {
            Err(why) => {
                call.complain(&format!("ls: {name}: {why}\n"));
                status = 1;
            }
            Ok((is_folder, entries)) => {
                if titled && is_folder {
                    call.say(&format!("{}{name}:\n", if first { "" } else { "\n" }));
                }
                if is_folder && flags.contains('l') {
                    let blocks = entries.iter().map(|(_, node)| node.size().div_ceil(1024)).sum::<u64>();
                    call.say(&format!("total {blocks}\n"));
                }
                let hidden = |name: &str| is_folder && name.starts_with('.') && !flags.contains(['a', 'A']);
                for (name, node) in entries.iter().filter(|(name, _)| !hidden(name)) {
                    show(call, name, node, &flags);
                }
                if flags.contains('R') && is_folder {
                    let inside = entries.iter().filter(|(name, node)| node.is_folder() && !hidden(name)).rev();
                    for (inner, _) in inside {
                        rest.push_front(format!("{}/{inner}", name.trim_end_matches('/')));
                    }
                }
            }
        }
        first = false;
    }
    status
}

/// Whether that is a folder that is to be listed, and its entries; else the one entry that it is.
type Listing = (bool, Vec<(String, Node)>);

fn listing(call: &Call<'_>, name: &str, itself: bool) -> Result<Listing, FileError> {
    let path = path(call, name);
    let files = call.handle().files();
    let node = files.find(&path)?;
    if !node.is_folder() || itself {
        return Ok((false, vec![(name.to_owned(), node.clone())]));
    }
    let entries = files.list(&path)?.into_iter().map(|(name, node)| (name.to_owned(), node.clone()));
    Ok((true, entries.collect()))
}

fn show(call: &mut Call<'_>, name: &str, node: &Node, flags: &str) {
    if !flags.contains('l') {
        return call.say(&format!("{name}\n"));
    }
    let when = basics::format_time(node.modified, "%Y-%m-%d %H:%M");
    let bits: String =
        (0..9).map(|bit| if node.mode() & (0o400 >> bit) == 0 { '-' } else { ['r', 'w', 'x'][bit % 3] }).collect();
    let (kind, links) = if node.is_folder() { ('d', 2) } else { ('-', 1) };
    call.say(&format!("{kind}{bits} {links} shell shell {:>8} {when} {name}\n", node.size()));
}

/// Files and folders below some folders, by name and kind.
pub(super) fn find(call: &mut Call<'_>) -> u8 {
    let (mut places, mut wanted, mut kind, mut depth) = (Vec::new(), None, None, usize::MAX);
    let mut rest = call.arguments.iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "-name" | "-iname" => wanted = rest.next().map(|pattern| Pattern::new(pattern)),
            "-type" => kind = rest.next().cloned(),
            "-maxdepth" => depth = rest.next().and_then(|depth| depth.parse().ok()).unwrap_or(usize::MAX),
            "-print" => {}
            word if word.starts_with('-') || matches!(word, "(" | ")" | "!") => {
                call.complain(&format!("find: {word} is not supported on this phone\n"));
                return 1;
            }
            place => places.push(place.to_owned()),
        }
    }
    if places.is_empty() {
        places.push(".".to_owned());
    }
    let mut status = 0;
    for place in places {
        let root = path(call, &place);
        let below = {
            let files = call.handle().files();
            let owned = |found: Vec<(&str, &Node)>| -> Vec<(String, bool)> {
                found.into_iter().map(|(path, node)| (path.to_owned(), node.is_folder())).collect()
            };
            files.below(&root).map(owned)
        };
        let below = match below {
            Ok(below) => below,
            Err(why) => {
                call.complain(&format!("find: {place}: {why}\n"));
                status = 1;
                continue;
            }
        };
        for (found, is_folder) in below {
            let inner = if root == "/" { &found } else { &found[root.len()..] };
            let name = found.rsplit('/').next().unwrap_or_default();
            let fits = wanted.as_ref().is_none_or(|wanted| wanted.fits(name));
            let is_kind = kind.as_ref().is_none_or(|kind| is_folder == (kind == "d"));
            let is_near = inner.matches('/').count() <= depth;
            if fits && is_kind && is_near && !call.output.is_cut() {
                call.say(&format!("{}{inner}\n", if place == "/" { "" } else { place.trim_end_matches('/') }));
            }
        }
    }
    status
}

/// Modes of files, in eights or as `+x`.
pub(super) fn chmod(call: &mut Call<'_>) -> u8 {
    let operands: Vec<String> = call.arguments.iter().filter(|word| *word != "-R").cloned().collect();
    let Some((mode, names)) = operands.split_first().filter(|(_, names)| !names.is_empty()) else {
        call.complain("chmod: Needs 2 arguments\n");
        return 1;
    };
    super::operands::for_each(call, names, |call, name| {
        let path = path(call, name);
        let before = call.handle().files().find(&path)?.mode();
        let after = new_mode(mode, before).ok_or(FileError::BadMode)?;
        call.handle().files().change_mode(&path, after)
    })
}

fn new_mode(text: &str, before: u32) -> Option<u32> {
    if let Ok(mode) = u32::from_str_radix(text, 8) {
        return (mode <= 0o7777).then_some(mode & 0o777);
    }
    let at = text.find(['+', '-', '='])?;
    let (who, rest) = text.split_at(at);
    let mut mask = 0;
    for letter in rest[1..].chars() {
        mask |= match letter {
            'r' => 0o444,
            'w' => 0o222,
            'x' => 0o111,
            _ => return None,
        };
    }
    let mut whose = 0;
    for letter in who.chars() {
        whose |= match letter {
            'u' => 0o700,
            'g' => 0o070,
            'o' => 0o007,
            'a' => 0o777,
            _ => return None,
        };
    }
    let whose = if who.is_empty() { 0o777 } else { whose };
    let before = before & 0o777;
    Some(match &rest[..1] {
        "+" => before | (mask & whose),
        "-" => before & !(mask & whose),
        _ => (before & !whose) | (mask & whose),
    })
}

/// Owners cannot be changed by the shell's user.
pub(super) fn chown(call: &mut Call<'_>) -> u8 {
    let names: Vec<String> = call.arguments.iter().filter(|word| !word.starts_with('-')).skip(1).cloned().collect();
    if names.is_empty() {
        call.complain("chown: Needs 2 arguments\n");
        return 1;
    }
    super::operands::for_each(call, &names, |call, name| {
        let path = path(call, name);
        call.handle().files().find(&path)?;
        Err(FileError::NotPermitted)
    })
}

pub(super) fn base64(call: &mut Call<'_>) -> u8 {
    let decode = flags(call).contains('d');
    let (inputs, mut status) = inputs(call);
    for (_, bytes) in inputs {
        if decode {
            let text: Vec<u8> = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
            match STANDARD.decode(text) {
                Ok(bytes) => call.write(&bytes),
                Err(_) => {
                    call.complain("base64: bad input\n");
                    status = 1;
                }
            }
            continue;
        }
        let whole = call.arguments.windows(2).any(|pair| pair[0] == "-w" && pair[1] == "0");
        let text = STANDARD.encode(&*bytes);
        for line in text.as_bytes().chunks(if whole { usize::MAX } else { 76 }) {
            call.write(line);
            call.write(if whole { b"" } else { b"\n" });
        }
    }
    status
}

/// `realpath` and `readlink -f`: where something really lies.
pub(super) fn realpath(call: &mut Call<'_>) -> u8 {
    each(call, |call, name| {
        let path = path(call, name);
        call.handle().files().find(&path)?;
        call.say(&format!("{path}\n"));
        Ok(())
    })
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

/// `md5sum` and `sha256sum`.
pub(super) fn checksum(call: &mut Call<'_>) -> u8 {
    let is_md5 = call.name.starts_with("md5");
    let digest =
        |bytes: &[u8]| if is_md5 { hex::encode(Md5::digest(bytes)) } else { hex::encode(Sha256::digest(bytes)) };
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
        (files.used_bytes().div_ceil(1024), files.max() / 1024)
    };
    call.say(&format!(
        "Filesystem     1K-blocks    Used Available Use% Mounted on\n/dev/fuse      {max:>9} {used:>7} {:>9} {:>3}% /storage/emulated\n",
        max.saturating_sub(used),
        100 * used / max.max(1)
    ));
    0
}
