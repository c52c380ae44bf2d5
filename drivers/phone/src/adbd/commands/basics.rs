//! Small commands: `echo`, `test`, `date` and what tells who and where one is.

use super::Call;
use crate::adbd::files::{Kind, resolve};
use crate::adbd::terminal::Channel;
use crate::date::{DAY, Date};

pub(super) fn echo(call: &mut Call<'_>) -> u8 {
    let mut rest = call.arguments();
    let (mut newline, mut escapes) = (true, false);
    while let Some(flag) = rest.first().copied().filter(|word| matches!(*word, "-n" | "-e" | "-E" | "-ne" | "-en")) {
        newline &= !flag.contains('n');
        escapes = (escapes || flag.contains('e')) && flag != "-E";
        rest.remove(0);
    }
    let text = rest.join(" ");
    let text = if escapes { unescape(&text) } else { text };
    call.say(&text);
    if newline {
        call.say("\n");
    }
    0
}

pub(super) fn unescape(text: &str) -> String {
    let mut plain = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            plain.push(letter);
            continue;
        }
        match letters.next() {
            Some('n') => plain.push('\n'),
            Some('t') => plain.push('\t'),
            Some('r') => plain.push('\r'),
            Some('0') => plain.push('\0'),
            Some('\\') => plain.push('\\'),
            Some(other) => plain.extend(['\\', other]),
            None => plain.push('\\'),
        }
    }
    plain
}

/// No field is wider.
const WIDTH_MAX: usize = 200;

/// A value in a field such as `5`, `-5` or `05`.
fn padded(value: &str, layout: &str) -> String {
    let width = layout.split('.').next().unwrap_or_default();
    let count = width.trim_start_matches('-').parse().unwrap_or(0).min(WIDTH_MAX);
    match (width.starts_with('-'), width.starts_with('0')) {
        (true, _) => format!("{value:<count$}"),
        (false, true) => {
            let (sign, digits) = value.split_at(usize::from(value.starts_with('-')));
            format!("{sign}{digits:0>width$}", width = count.saturating_sub(sign.len()))
        }
        (false, false) => format!("{value:>count$}"),
    }
}

/// `%s`, `%d`, `%x`, `%f`, with a width, and `%%` and escapes; the format is used again while there are arguments.
pub(super) fn printf(call: &mut Call<'_>) -> u8 {
    let arguments = call.arguments();
    let Some((format, mut values)) = arguments.split_first().map(|(format, values)| (unescape(format), values)) else {
        call.complain("printf: needs an argument\n");
        return 1;
    };
    loop {
        let before = values.len();
        let mut text = String::new();
        let mut letters = format.chars();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                text.push(letter);
                continue;
            }
            let mut next = || {
                let value = values.first().copied().unwrap_or_default();
                values = values.get(1..).unwrap_or_default();
                value
            };
            let rest = letters.as_str();
            let form = rest.trim_start_matches(|letter: char| letter.is_ascii_digit() || "-.".contains(letter));
            let layout = &rest[..rest.len() - form.len()];
            letters = form.chars();
            let precision = layout.split_once('.').map_or(6, |(_, digits)| digits.parse().unwrap_or(0).min(WIDTH_MAX));
            let value = match letters.next() {
                Some('s' | 'b') => next().to_owned(),
                Some('d' | 'i' | 'u') => next().parse::<i64>().unwrap_or(0).to_string(),
                Some('x') => format!("{:x}", next().parse::<i64>().unwrap_or(0)),
                Some('f') => format!("{:.precision$}", next().parse::<f64>().unwrap_or(0.0)),
                Some('%') if layout.is_empty() => "%".to_owned(),
                other => {
                    let what = other.map_or_else(String::new, String::from);
                    call.say(&text);
                    call.complain(&format!(
                        "printf: bad format %{layout}{what}; there are s, b, d, i, u, x, f and %\n"
                    ));
                    return 1;
                }
            };
            text.push_str(&padded(&value, layout));
        }
        call.say(&text);
        if values.is_empty() || values.len() == before || call.output.is_cut() {
            return 0;
        }
    }
}

/// `test` and `[`.
pub(super) fn test(call: &mut Call<'_>) -> u8 {
    let mut words = call.arguments();
    if call.name == "[" && words.pop() != Some("]") {
        call.complain("/system/bin/sh: [: missing ]\n");
        return 2;
    }
    match judge(call, &words) {
        Ok(holds) => u8::from(!holds),
        Err(word) => {
            call.complain(&format!("/system/bin/sh: {}: unexpected operator/operand: {word}\n", call.name));
            2
        }
    }
}

fn judge(call: &Call<'_>, words: &[&str]) -> Result<bool, String> {
    let joint = |wanted: &str| words.iter().position(|word| *word == wanted);
    // Three words with one of these in the middle compare it, as the standard has it.
    if words.len() != 3 {
        if let Some(at) = joint("-o") {
            return Ok(judge(call, &words[..at])? || judge(call, &words[at + 1..])?);
        }
        if let Some(at) = joint("-a").filter(|at| 0 < *at) {
            return Ok(judge(call, &words[..at])? && judge(call, &words[at + 1..])?);
        }
    }
    let number = |word: &str| word.trim().parse::<i64>().map_err(|_| word.to_owned());
    match words {
        [] => Ok(false),
        [word] => Ok(!word.is_empty()),
        ["!", rest @ ..] => judge(call, rest).map(|holds| !holds),
        ["-z", word] => Ok(word.is_empty()),
        ["-n", word] => Ok(!word.is_empty()),
        ["-t", _] => Ok(false),
        [flag @ ("-e" | "-f" | "-d" | "-s" | "-r" | "-w" | "-x" | "-L" | "-h"), name] => {
            let path = resolve(call.folder, name);
            let files = call.handle().files();
            Ok(match files.find(&path).map(|node| &node.kind) {
                Err(_) => false,
                Ok(Kind::Folder) => matches!(*flag, "-e" | "-d" | "-r" | "-x" | "-s"),
                Ok(Kind::File(bytes)) => match *flag {
                    "-s" => !bytes.is_empty(),
                    flag => matches!(flag, "-e" | "-f" | "-r" | "-w"),
                },
            })
        }
        [left, "=" | "==", right] => Ok(left == right),
        [left, "!=", right] => Ok(left != right),
        [left, "-eq", right] => Ok(number(left)? == number(right)?),
        [left, "-ne", right] => Ok(number(left)? != number(right)?),
        [left, "-lt", right] => Ok(number(left)? < number(right)?),
        [left, "-le", right] => Ok(number(left)? <= number(right)?),
        [left, "-gt", right] => Ok(number(left)? > number(right)?),
        [left, "-ge", right] => Ok(number(left)? >= number(right)?),
        words => Err(words[0].to_owned()),
    }
}

pub(super) fn date(call: &mut Call<'_>) -> u8 {
    let now = call.handle().now();
    let is_shown = |word: &&str| word.starts_with('+') || *word == "-u";
    if let Some(other) = call.arguments().into_iter().find(|word| !is_shown(word)) {
        let why = if other == "-s" || !other.starts_with('-') {
            "cannot set date: Operation not permitted".to_owned()
        } else {
            format!("bad option {other}; there are -u and +FORMAT")
        };
        call.complain(&format!("date: {why}\n"));
        return 1;
    }
    let format = match call.arguments().iter().find(|word| word.starts_with('+')) {
        Some(format) => format[1..].to_owned(),
        None => "%a %b %e %H:%M:%S UTC %Y".to_owned(),
    };
    let nanos = call.handle().look(|world| world.uptime()) % 1000 * 1_000_000;
    let format = format.replace("%N", &format!("{nanos:09}"));
    call.say(&format!("{}\n", format_time(now, &format)));
    0
}

/// Writes a moment, in seconds since 1970, as `date` does.
pub(super) fn format_time(seconds: u64, format: &str) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (days, of_day) = (seconds / DAY, seconds % DAY);
    let Date { year, month, day, .. } = Date::new(days);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let mut text = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            text.push(letter);
            continue;
        }
        text += &match letters.next() {
            Some('Y') => year.to_string(),
            Some('y') => format!("{:02}", year % 100),
            Some('m') => format!("{month:02}"),
            Some('d') => format!("{day:02}"),
            Some('e') => format!("{day:>2}"),
            Some('H') => format!("{hour:02}"),
            Some('M') => format!("{minute:02}"),
            Some('S') => format!("{second:02}"),
            Some('F') => format!("{year}-{month:02}-{day:02}"),
            Some('T') => format!("{hour:02}:{minute:02}:{second:02}"),
            Some('s') => seconds.to_string(),
            Some('a') => DAYS[(days % 7) as usize].to_owned(),
            Some('b') => MONTHS[month as usize - 1].to_owned(),
            Some('Z') => "UTC".to_owned(),
            Some('z') => "+0000".to_owned(),
            Some('%') => "%".to_owned(),
            Some(other) => format!("%{other}"),
            None => "%".to_owned(),
        };
    }
    text
}

pub(super) fn environment(call: &mut Call<'_>) -> u8 {
    let lines: String = call.variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    call.say(&lines);
    0
}

pub(super) fn export(call: &mut Call<'_>) -> u8 {
    for word in call.arguments {
        if let Some((name, value)) = word.split_once('=')
            && !call.variables.set(name, value)
        {
            call.complain("/system/bin/sh: export: no room for its value\n");
            return 1;
        }
    }
    0
}

pub(super) fn unset(call: &mut Call<'_>) -> u8 {
    for word in call.arguments {
        call.variables.remove(word);
    }
    0
}

pub(super) fn part_of_path(call: &mut Call<'_>) -> u8 {
    let Some(name) = call.arguments.first() else {
        call.complain(&format!("{}: Needs 1 argument\n", call.name));
        return 1;
    };
    let trimmed = name.trim_end_matches('/');
    let (folder, last) = trimmed.rsplit_once('/').unwrap_or((".", trimmed));
    let folder = if folder.is_empty() { "/" } else { folder };
    let part = if call.name == "basename" { last } else { folder };
    let text = format!("{part}\n");
    call.say(&text);
    0
}

pub(super) fn pwd(call: &mut Call<'_>) -> u8 {
    let text = format!("{}\n", call.folder);
    call.say(&text);
    0
}

pub(super) fn id(call: &mut Call<'_>) -> u8 {
    call.say(if call.arguments.iter().any(|word| word == "-u") {
        "2000\n"
    } else {
        "uid=2000(shell) gid=2000(shell) groups=2000(shell),1004(input),1007(log),3003(inet) context=u:r:shell:s0\n"
    });
    0
}

pub(super) fn whoami(call: &mut Call<'_>) -> u8 {
    call.say("shell\n");
    0
}

pub(super) fn uname(call: &mut Call<'_>) -> u8 {
    let flags: String = call.arguments.iter().map(|word| word.trim_start_matches('-')).collect();
    call.say(match flags.as_str() {
        "a" => "Linux localhost 6.1.0-tapwright #1 SMP x86_64 Toybox\n",
        "r" => "6.1.0-tapwright\n",
        "m" => "x86_64\n",
        "n" => "localhost\n",
        _ => "Linux\n",
    });
    0
}

pub(super) fn uptime(call: &mut Call<'_>) -> u8 {
    let up = call.handle().look(|world| world.uptime()) / 60_000;
    let now = format_time(call.handle().now(), "%T");
    call.say(&format!(" {now} up {} min,  0 users,  load average: 0.00, 0.00, 0.00\n", up));
    0
}

/// There is none.
pub(super) fn su(call: &mut Call<'_>) -> u8 {
    call.complain("/system/bin/sh: su: inaccessible or not found\n");
    127
}

pub(super) fn which(call: &mut Call<'_>) -> u8 {
    let mut status = 0;
    for name in call.arguments {
        match super::path_of(name) {
            Some(path) => call.output.push(Channel::Out, format!("{path}\n").as_bytes()),
            None => status = 1,
        }
    }
    status
}

/// Numbers one after the other.
pub(super) fn seq(call: &mut Call<'_>) -> u8 {
    let numbers: Option<Vec<i64>> = call.arguments.iter().map(|word| word.parse().ok()).collect();
    let (first, step, last) = match numbers.as_deref() {
        Some([last]) => (1, 1, *last),
        Some([first, last]) => (*first, 1, *last),
        Some([first, step, last]) if *step != 0 => (*first, *step, *last),
        _ => {
            call.complain("seq: needs one to three whole numbers\n");
            return 1;
        }
    };
    let mut at = first;
    while (0 < step && at <= last) || (step < 0 && last <= at) {
        call.say(&format!("{at}\n"));
        match at.checked_add(step) {
            Some(next) if !call.output.is_cut() => at = next,
            _ => break,
        }
    }
    0
}

/// What a terminal is told to become empty.
pub(super) fn clear(call: &mut Call<'_>) -> u8 {
    call.say("\x1b[H\x1b[J");
    0
}

/// What is there on a phone and cannot be done on this one.
pub(super) fn report_unsupported(call: &mut Call<'_>) -> u8 {
    let why = match call.name {
        "app_process" | "app_process64" | "app_process32" | "dalvikvm" => "this phone runs no Java programs",
        "screenrecord" => "this phone records no films: take pictures with screencap",
        "stop" | "start" => "must be root",
        _ => "this phone writes no reports: its log is in logcat",
    };
    call.complain(&format!("{}: {why}\n", call.name));
    1
}

/// A phone that restarts is gone for its clients.
pub(super) fn reboot(call: &mut Call<'_>) -> u8 {
    call.device.reboot();
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_dates() {
        for (seconds, expected) in [
            (0, "Thu 1970-01-01 00:00:00"),
            (951_782_399, "Mon 2000-02-28 23:59:59"),
            (951_782_400, "Tue 2000-02-29 00:00:00"),
            (1_767_258_000, "Thu 2026-01-01 09:00:00"),
            (4_107_542_400, "Mon 2100-03-01 00:00:00"),
        ] {
            assert_eq!(format_time(seconds, "%a %F %T"), expected);
        }
        assert!(format_time(u64::MAX, "%Y").parse::<u64>().is_ok());
    }
}
