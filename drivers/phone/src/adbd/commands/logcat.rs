//! `logcat` and `log`.

use super::{Call, basics};
use crate::adbd::handle::Handle;
use crate::adbd::log::{LEVELS, Line};

const USAGE: &str = "Usage: logcat [options] [filterspecs]: -d, -c, -g, -t COUNT, -b BUFFER, -v FORMAT, -s, --pid PID; the rest is not supported on this phone\n";

#[derive(Default)]
struct LogQuery {
    dump: bool,
    clear: bool,
    size: bool,
    last: Option<usize>,
    format: Option<String>,
    /// Only these buffers; all lines of this phone are in `main`.
    buffers: Vec<String>,
    process: Option<u32>,
    /// Tags with the least level that is shown; `*` is any other one.
    filters: Vec<(String, char)>,
}

impl LogQuery {
    fn read(arguments: &[String]) -> Option<LogQuery> {
        let mut options = LogQuery::default();
        let mut rest = arguments.iter();
        while let Some(word) = rest.next() {
            let (name, mut inline) = match word.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                _ if word.len() > 2 && word.starts_with('-') && !word.starts_with("--") => {
                    (&word[..2], Some(word[2..].to_owned()))
                }
                _ => (word.as_str(), None),
            };
            let mut value = || inline.take().or_else(|| rest.next().cloned());
            match name {
                "-d" | "--dump" => options.dump = true,
                "-c" | "--clear" => options.clear = true,
                "-g" | "--buffer-size" => options.size = true,
                "-s" => options.filters.push(("*".to_owned(), 'S')),
                "-t" | "-T" | "--tail" => {
                    // A moment in time stands for all lines since then, which are all that there are.
                    options.last = value()?.parse().ok();
                    options.dump |= name == "-t";
                }
                "-b" | "--buffer" => options.buffers.extend(value()?.split(',').map(str::to_owned)),
                "-v" | "--format" => options.format = value(),
                "--pid" => options.process = Some(value()?.parse().ok()?),
                word if word.starts_with('-') => return None,
                word => {
                    let (tag, level) = word.split_once(':').unwrap_or((word, "V"));
                    options.filters.push((tag.to_owned(), level.chars().next().unwrap_or('V').to_ascii_uppercase()));
                }
            }
        }
        Some(options)
    }

    fn wants(&self, line: &Line) -> bool {
        let in_buffer = self.buffers.is_empty()
            || self.buffers.iter().any(|name| matches!(name.as_str(), "main" | "system" | "all" | "default"));
        let least = |wanted: &str| self.filters.iter().rfind(|(tag, _)| tag == wanted).map(|(_, level)| *level);
        let least = least(&line.tag).or_else(|| least("*")).unwrap_or('V');
        let at_least = match (LEVELS.find(line.level), LEVELS.find(least)) {
            (Some(level), Some(least)) => least <= level,
            _ => false, // `S` silences all.
        };
        in_buffer && at_least && self.process.is_none_or(|process| process == line.process)
    }

    fn write(&self, line: &Line) -> String {
        let Line { level, tag, process, message, when: (seconds, millis), .. } = line;
        let time = |format: &str| format!("{}.{millis:03}", basics::format_time(*seconds, format));
        match self.format.as_deref().unwrap_or("threadtime") {
            "brief" => format!("{level}/{tag:<8}({process:>5}): {message}\n"),
            "process" => format!("{level}({process:>5}) {message}  ({tag})\n"),
            "tag" => format!("{level}/{tag:<8}: {message}\n"),
            "raw" => format!("{message}\n"),
            "time" => format!("{} {level}/{tag:<8}({process:>5}): {message}\n", time("%m-%d %H:%M:%S")),
            "long" => format!("[ {} {process:>5}:{process:>5} {level}/{tag} ]\n{message}\n\n", time("%m-%d %H:%M:%S")),
            _ => format!("{} {process:>5} {process:>5} {level} {tag:<8}: {message}\n", time("%m-%d %H:%M:%S")),
        }
    }
}

/// Whether it goes on to wait for lines when it has shown those that there are.
pub(in crate::adbd) fn follows(arguments: &[String]) -> bool {
    LogQuery::read(arguments).is_some_and(|options| !options.dump && !options.clear && !options.size)
}

/// The lines after that one that are wanted, and the number of the last one.
pub(in crate::adbd) fn since(handle: &Handle, arguments: &[String], number: u64) -> (Vec<u8>, u64) {
    let options = LogQuery::read(arguments).unwrap_or_default();
    let log = handle.log_lines();
    let (lines, written) = log.since(number);
    let mut shown: Vec<String> = lines.filter(|line| options.wants(line)).map(|line| options.write(line)).collect();
    if number == 0 {
        if let Some(last) = options.last {
            shown.drain(..shown.len().saturating_sub(last));
        }
        if !shown.is_empty() && options.format.as_deref() != Some("raw") {
            shown.insert(0, "--------- beginning of main\n".to_owned());
        }
    }
    (shown.concat().into_bytes(), written)
}

pub(super) fn logcat(call: &mut Call<'_>) -> u8 {
    let Some(options) = LogQuery::read(call.arguments) else {
        call.complain(USAGE);
        return 1;
    };
    if options.clear {
        call.handle().log_lines().clear();
    } else if options.size {
        call.say("main: ring buffer is 256 KiB (1 KiB consumed), max entry is 5120 B, max payload is 4068 B\n");
    } else {
        let (text, _) = since(call.handle(), call.arguments, 0);
        call.write(&text);
    }
    0
}

/// Writes a line into the log.
pub(super) fn log(call: &mut Call<'_>) -> u8 {
    let (mut tag, mut level, mut words) = ("log".to_owned(), 'I', Vec::new());
    let mut rest = call.arguments.iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "-t" => tag = rest.next().cloned().unwrap_or_default(),
            "-p" => level = rest.next().and_then(|level| level.chars().next()).unwrap_or('I').to_ascii_uppercase(),
            word => words.push(word.to_owned()),
        }
    }
    if words.is_empty() || !LEVELS.contains(level) {
        call.complain("usage: log [-p PRIORITY] [-t TAG] MESSAGE...\n");
        return 1;
    }
    call.handle().log(level, &tag, &words.join(" "));
    0
}
