//! Commands on lines of text: `head`, `tail`, `wc`, `sort`, `uniq`, `cut`, `tr`.

use super::Call;
use super::operands::{flags, inputs, lines};

/// Lines that are sorted.
const SORTED_MAX: usize = 1 << 20;

/// `head` and `tail`.
pub(super) fn ends(call: &mut Call<'_>) -> u8 {
    let (mut number, mut bytes_wanted) = ("10".to_owned(), false);
    let mut rest = call.arguments.iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "-n" | "-c" => {
                bytes_wanted = word == "-c";
                number = rest.next().cloned().unwrap_or_default();
            }
            word if word.starts_with("-n") || word.starts_with("-c") => {
                bytes_wanted = word.starts_with("-c");
                number = word[2..].to_owned();
            }
            word if word.len() > 1 && word.starts_with('-') => number = word[1..].to_owned(),
            _ => {}
        }
    }
    let from_start = call.name == "tail" && number.starts_with('+');
    let Ok(count) = number.trim_start_matches('+').parse::<usize>() else {
        call.complain(&format!("{}: '{number}' is not a number\n", call.name));
        return 1;
    };
    let (inputs, status) = inputs(call);
    let several = 1 < inputs.len();
    for (name, bytes) in &inputs {
        if several {
            call.say(&format!("==> {name} <==\n"));
        }
        let from = match (call.name, from_start) {
            ("head", _) => 0,
            (_, true) => first(bytes, count.saturating_sub(1), bytes_wanted),
            (_, false) => bytes.len() - last(bytes, count, bytes_wanted),
        };
        let to = if call.name == "head" { first(bytes, count, bytes_wanted) } else { bytes.len() };
        call.write(&bytes[from..to]);
    }
    status
}

/// How many bytes the first so many lines or bytes have.
fn first(bytes: &[u8], count: usize, of_bytes: bool) -> usize {
    if of_bytes { count.min(bytes.len()) } else { lines(bytes).take(count).map(<[u8]>::len).sum() }
}

/// How many bytes the last so many lines or bytes have.
fn last(bytes: &[u8], count: usize, of_bytes: bool) -> usize {
    if of_bytes { count.min(bytes.len()) } else { lines(bytes).rev().take(count).map(<[u8]>::len).sum() }
}

pub(super) fn wc(call: &mut Call<'_>) -> u8 {
    let flags = flags(call);
    let (inputs, status) = inputs(call);
    let mut totals = [0; 3];
    let several = 1 < inputs.len();
    let show = |call: &mut Call<'_>, counts: [usize; 3], name: &str| {
        let wanted = "lwc".chars().zip(counts).filter(|(flag, _)| flags.is_empty() || flags.contains(*flag));
        let text = wanted.map(|(_, count)| count.to_string()).collect::<Vec<_>>().join(" ");
        call.say(&if name == "-" { format!("{text}\n") } else { format!("{text} {name}\n") });
    };
    for (name, bytes) in inputs {
        let words = bytes.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).count();
        let counts = [bytes.iter().filter(|byte| **byte == b'\n').count(), words, bytes.len()];
        totals = std::array::from_fn(|index| totals[index] + counts[index]);
        show(call, counts, &name);
    }
    if several {
        show(call, totals, "total");
    }
    status
}

pub(super) fn sort(call: &mut Call<'_>) -> u8 {
    let flags = flags(call);
    let (inputs, status) = inputs(call);
    if SORTED_MAX < inputs.iter().flat_map(|(_, bytes)| lines(bytes)).take(SORTED_MAX + 1).count() {
        call.complain("sort: Cannot allocate memory\n");
        return 2;
    }
    let mut all: Vec<&[u8]> = inputs
        .iter()
        .flat_map(|(_, bytes)| lines(bytes))
        .map(|line| line.strip_suffix(b"\n").unwrap_or(line))
        .collect();
    if flags.contains('n') {
        let number = |line: &[u8]| {
            let text = String::from_utf8_lossy(line);
            let text = text.trim_start();
            let end = text
                .find(|letter: char| !letter.is_ascii_digit() && letter != '-' && letter != '.')
                .unwrap_or(text.len());
            text[..end].parse::<f64>().unwrap_or(0.0)
        };
        all.sort_by(|a, b| number(a).total_cmp(&number(b)).then(a.cmp(b)));
    } else {
        all.sort_unstable();
    }
    if flags.contains('r') {
        all.reverse();
    }
    if flags.contains('u') {
        all.dedup();
    }
    for line in all {
        call.write(line);
        call.write(b"\n");
    }
    status
}

/// Lines that stand next to each other and are the same, once.
pub(super) fn uniq(call: &mut Call<'_>) -> u8 {
    let flags = flags(call);
    let (inputs, status) = inputs(call);
    let all: Vec<&[u8]> = inputs
        .iter()
        .flat_map(|(_, bytes)| lines(bytes))
        .map(|line| line.strip_suffix(b"\n").unwrap_or(line))
        .collect();
    for group in all.chunk_by(|a, b| a == b) {
        let wanted = match group.len() {
            1 => !flags.contains('d'),
            _ => !flags.contains('u'),
        };
        if wanted {
            let count = if flags.contains('c') { format!("{:7} ", group.len()) } else { String::new() };
            call.write(&[count.as_bytes(), group[0], b"\n"].concat());
        }
    }
    status
}

/// `cut -d , -f 2` and `cut -c 1-3`.
pub(super) fn cut(call: &mut Call<'_>) -> u8 {
    let option = |name: &str| {
        let at = call.arguments.iter().position(|word| word.starts_with(name) && !word.starts_with("--"))?;
        let inline = &call.arguments[at][name.len()..];
        if inline.is_empty() { call.arguments.get(at + 1).cloned() } else { Some(inline.to_owned()) }
    };
    let letters = option("-c").or_else(|| option("-b"));
    let by_letter = letters.is_some();
    let Some(list) = letters.or_else(|| option("-f")) else {
        call.complain("cut: needs -b, -c or -f\n");
        return 1;
    };
    let Some(ranges) = ranges(&list) else {
        call.complain(&format!("cut: bad range {list}\n"));
        return 1;
    };
    let mark = option("-d").and_then(|mark| mark.chars().next()).unwrap_or('\t');
    let only = flags(call).contains('s');
    let wanted = |index: usize| ranges.iter().any(|(from, to)| (*from..=*to).contains(&index));
    let (inputs, status) = inputs(call);
    for (_, bytes) in &inputs {
        for line in lines(bytes) {
            let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(line));
            let kept: String = if by_letter {
                text.chars().enumerate().filter(|(index, _)| wanted(index + 1)).map(|(_, letter)| letter).collect()
            } else if text.contains(mark) {
                let fields = text.split(mark).enumerate().filter(|(index, _)| wanted(index + 1));
                fields.map(|(_, field)| field).collect::<Vec<_>>().join(&mark.to_string())
            } else if only {
                continue;
            } else {
                text.into_owned()
            };
            call.say(&format!("{kept}\n"));
        }
    }
    status
}

/// `1,3-5,7-`
fn ranges(list: &str) -> Option<Vec<(usize, usize)>> {
    list.split(',')
        .map(|range| match range.split_once('-') {
            None => range.parse().ok().filter(|at| 0 < *at).map(|at| (at, at)),
            Some(("", "")) => None,
            Some((from, to)) => {
                let from = if from.is_empty() { 1 } else { from.parse().ok()? };
                let to = if to.is_empty() { usize::MAX } else { to.parse().ok()? };
                (from <= to && 0 < from).then_some((from, to))
            }
        })
        .collect()
}

/// Changes, deletes or squeezes letters.
pub(super) fn tr(call: &mut Call<'_>) -> u8 {
    let flags = flags(call);
    let sets: Vec<Vec<char>> =
        call.arguments.iter().filter(|word| word.len() < 2 || !word.starts_with('-')).map(|word| set(word)).collect();
    let (delete, squeeze, others) = (flags.contains('d'), flags.contains('s'), flags.contains(['c', 'C']));
    let (Some(from), to) = (sets.first(), sets.get(1)) else {
        call.complain("tr: Needs 1 argument\n");
        return 1;
    };
    if to.is_none() && !delete && !squeeze {
        call.complain("tr: Needs 2 arguments\n");
        return 1;
    }
    let text = String::from_utf8_lossy(call.stdin).into_owned();
    let mut out = String::new();
    for letter in text.chars() {
        let at = from.iter().position(|known| *known == letter);
        let meant = at.is_some() != others;
        if meant && delete {
            continue;
        }
        let new = match to.filter(|_| meant && !delete) {
            Some(to) => to.get(at.unwrap_or(usize::MAX)).or(to.last()).copied().unwrap_or(letter),
            None => letter,
        };
        let repeats =
            squeeze && out.ends_with(new) && to.filter(|_| !delete || meant).map_or(meant, |to| to.contains(&new));
        if !repeats {
            out.push(new);
        }
    }
    call.say(&out);
    0
}

/// The letters of `a-z`, `[:upper:]` and `\n`.
fn set(text: &str) -> Vec<char> {
    let mut text = text.to_owned();
    for (class, letters) in [
        ("[:lower:]", "a-z"),
        ("[:upper:]", "A-Z"),
        ("[:digit:]", "0-9"),
        ("[:alpha:]", "A-Za-z"),
        ("[:alnum:]", "0-9A-Za-z"),
        ("[:space:]", " \t\n\r\x0b\x0c"),
        ("[:punct:]", "!-/:-@[-`{-~"),
    ] {
        text = text.replace(class, letters);
    }
    let letters: Vec<char> = super::basics::unescape(&text).chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(from) = letters.get(at) {
        match (letters.get(at + 1), letters.get(at + 2)) {
            (Some('-'), Some(to)) if from <= to => {
                found.extend((*from..=*to).take(1024));
                at += 3;
            }
            _ => {
                found.push(*from);
                at += 1;
            }
        }
    }
    found
}
