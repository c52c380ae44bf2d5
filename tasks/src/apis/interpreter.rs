//! Where an argument of a command would be a program: what a shell or an interpreter is given as a script, as the file of one, or
//! on its standard input.

use super::template::has_places;

/// Programs that run another one, which stands among their arguments.
const WRAPPERS: [&str; 18] = [
    "busybox", "chroot", "command", "doas", "env", "exec", "ionice", "nice", "nohup", "setsid", "stdbuf", "su", "sudo",
    "time", "timeout", "toybox", "watch", "xargs",
];
const SHELLS: [&str; 10] = ["ash", "bash", "csh", "dash", "fish", "ksh", "mksh", "sh", "tcsh", "zsh"];
/// Interpreters, without the version in their names, and the letters of the options that a script follows.
const INTERPRETERS: [(&str, &str); 15] = [
    ("bun", "ep"),
    ("deno", "ep"),
    ("julia", "eE"),
    ("lua", "e"),
    ("luajit", "e"),
    ("node", "ep"),
    ("nodejs", "ep"),
    ("osascript", "e"),
    ("perl", "eE"),
    ("php", "rBRE"),
    ("powershell", "cCeE"),
    ("pwsh", "cCeE"),
    ("pypy", "c"),
    ("python", "c"),
    ("ruby", "e"),
];
/// Programs that hand their arguments to a shell elsewhere.
const REMOTE: [&str; 3] = ["adb", "rsh", "ssh"];
/// Options of shells that a value follows.
const WITH_VALUE: [&str; 3] = ["--rcfile", "--init-file", "--command"];

/// Whether what the model says would be run as a program by this command.
pub fn runs_arguments(argv: &[String]) -> bool {
    let Some((program, arguments)) = argv.split_first() else { return false };
    let name = base(program);
    if follows_script_option(arguments) {
        return true;
    }
    if REMOTE.contains(&name.as_str()) {
        return arguments.iter().any(|argument| has_places(argument));
    }
    if let Some(letters) = script_letters(&name) {
        return interprets(arguments, letters);
    }
    if !WRAPPERS.contains(&name.as_str()) {
        return false;
    }
    // What they run is the first of their arguments that is a program of these; what is none of these runs nothing.
    let found = arguments.iter().enumerate().find_map(|(at, argument)| {
        let letters = script_letters(&base(argument)).filter(|_| !has_places(argument))?;
        Some(interprets(&arguments[at + 1..], letters))
    });
    found.unwrap_or(false)
}

/// The name of a program without its folder, its ending and its version: `python` of `/usr/bin/python3.12`.
fn base(program: &str) -> String {
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program).to_lowercase();
    let name = name.strip_suffix(".exe").unwrap_or(&name);
    name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-').to_owned()
}

fn script_letters(name: &str) -> Option<&'static str> {
    if SHELLS.contains(&name) {
        return Some("c");
    }
    INTERPRETERS.iter().find(|(interpreter, _)| *interpreter == name).map(|(_, letters)| *letters)
}

/// Of any program: an option that ends with `c` or `e`, or is called after what it does, and then what the model says.
fn follows_script_option(arguments: &[String]) -> bool {
    let is_script = |flag: &str| {
        let letters = flag.strip_prefix('-').filter(|letters| letters.bytes().all(|b| b.is_ascii_alphabetic()));
        matches!(flag, "--eval" | "--command" | "-Command" | "-EncodedCommand" | "--exec")
            || letters.is_some_and(|letters| letters.ends_with(['c', 'e']))
    };
    let separate = arguments.windows(2).any(|two| is_script(&two[0]) && has_places(&two[1]));
    let joined = || arguments.iter().filter_map(|one| one.split_once('='));
    separate || joined().any(|(flag, words)| is_script(flag) && has_places(words))
}

/// Of an interpreter: in which of its arguments a program stands. What stands behind the program is its own.
fn interprets(arguments: &[String], letters: &str) -> bool {
    let mut has_script_option = false;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--" || argument == "-" {
            continue;
        }
        let Some(option) = argument.strip_prefix(['-', '+']) else {
            // The script itself, or the file that it is in.
            return has_places(argument);
        };
        if has_places(argument) {
            return true;
        }
        let is_long = option.starts_with('-');
        has_script_option |= !is_long && option.chars().any(|letter| letters.contains(letter));
        let takes_value = if is_long { WITH_VALUE.contains(&argument.as_str()) } else { option.ends_with(['o', 'O']) };
        if takes_value && rest.next().is_some_and(|value| has_places(value)) {
            return true;
        }
    }
    // Without a script it reads one: from where the arguments of the call go, unless they go into its own.
    !has_script_option
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_model_says_is_no_program() {
        for argv in [
            "sh -c {{x}}",
            "bash -cx {{x}}",
            "bash -xc {{x}}",
            "bash -x -c {{x}}",
            "bash -c -x {{x}}",
            "bash -ce {{x}}",
            "bash -euo pipefail -c {{x}}",
            "bash -c -o pipefail {{x}}",
            "bash +o posix -c {{x}}",
            "/bin/bash -cx {{x}}",
            "zsh -fc {{x}}",
            "zsh -cf {{x}}",
            "fish --command {{x}}",
            "fish --command={{x}}",
            "env A=b bash -cx {{x}}",
            "sudo -u me sh -cu {{x}}",
            "busybox sh -cx {{x}}",
            "timeout 5 bash -cx {{x}}",
            "xargs sh -cx {{x}}",
            "su -c {{x}}",
            "bash {{x}}",
            "bash -x {{x}}",
            "bash --rcfile {{x}} -i",
            "bash --norc -{{x}}",
            "sh",
            "sh -s",
            "bash -x",
            "env bash",
            "python3",
            "python3 -",
            "python3 -c {{x}}",
            "python3.12 -Ic {{x}}",
            "python3 -cI {{x}}",
            "python3 {{x}}",
            "perl -E {{x}}",
            "perl -ne {{x}}",
            "perl -en {{x}}",
            "perl -e{{x}}",
            "node --eval {{x}}",
            "node --eval={{x}}",
            "node -p {{x}}",
            "ruby -e {{x}}",
            "php -r {{x}}",
            "pwsh -Command {{x}}",
            "ssh host {{x}}",
            "adb shell input text {{x}}",
        ] {
            let words: Vec<String> = argv.split(' ').map(str::to_owned).collect();
            assert!(runs_arguments(&words), "{argv}");
        }
        for argv in [
            "echo {{x}}",
            "cat",
            "sh -c printf {{x}}",
            "bash -cx printf sh {{x}}",
            "bash -euo pipefail -c printf sh {{x}}",
            "bash script.sh {{x}}",
            "bash -x script.sh -k {{x}}",
            "python3 send.py {{x}}",
            "python3 -m http {{x}}",
            "python3 -c print sh {{x}}",
            "env A=b notify {{x}}",
            "timeout 5 notify {{x}}",
            "tar -czf out.tar {{x}}",
            "grep -ci {{x}}",
            "grep bash {{x}}",
            "curl -d {{x}} http://h",
        ] {
            let words: Vec<String> = argv.split(' ').map(str::to_owned).collect();
            assert!(!runs_arguments(&words), "{argv}");
        }
    }
}
