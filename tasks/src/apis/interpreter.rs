//! Where an argument of a command would be a program: what a shell or an interpreter is given as a script, as the file of one, or
//! on its standard input, however many commands are around it; and where it would be opened by whatever program is for it, which
//! starts what is a program. It goes by lists of programs, and no list is whole: what it does not know it lets through, unless an
//! option says by its name that code follows.

mod programs;

use self::programs::{Interpreter, Program, SUBCOMMANDS, VARIABLES, Wrapper, known_as, of_name};
use super::template::has_places;

/// So many commands within commands are looked into; more nobody writes.
const DEPTH_MAX: u32 = 8;
/// Long options of shells that a file of code follows.
const WITH_CODE: [&str; 3] = ["--rcfile", "--init-file", "--command"];
/// What a long option is called that code, or a command, follows.
const CODE_OPTIONS: [&str; 12] = [
    "checkpoint-action",
    "cmd",
    "command",
    "eval",
    "exec",
    "execute",
    "expression",
    "rsh",
    "rsync-path",
    "shell",
    "to-command",
    "use-compress-program",
];
/// In place of what `xargs` adds.
const ADDED: &str = "{{arguments}}";

/// Whether what the model says would be run as a program by this command.
pub fn runs_arguments(argv: &[String]) -> bool {
    // Without a place the program reads it.
    let reads = !argv.iter().any(|argument| has_places(argument));
    is_code(argv, reads, DEPTH_MAX)
}

fn is_code(argv: &[String], reads: bool, depth: u32) -> bool {
    let Some((program, arguments)) = argv.split_first() else { return false };
    if depth == 0 || has_places(program) {
        return true;
    }
    let name = last_part(program);
    if name == "find" || name == "fd" || name == "fdfind" {
        return finds(&name, arguments, reads, depth);
    }
    if follows_script_option(arguments) {
        return true;
    }
    let Some((known, rest)) = of_program(&name, arguments) else { return false };
    match known {
        Program::Interpreter(interpreter) => interprets(rest, &interpreter, reads),
        Program::Shelled => rest.iter().any(|argument| has_places(argument)),
        Program::Reader => reads,
        Program::Opener => rest.iter().any(|argument| has_places(argument) && !is_of_one_host(argument)),
        Program::Remote(wrapper) => {
            let says = rest.iter().any(|argument| has_places(argument));
            let has_command = |argument: &String| name == "su" && argument.starts_with("-c");
            says || (reads && !rest.iter().any(has_command) && runs(&name, &command_in(rest, &wrapper), reads, depth))
        }
        Program::Wrapper(wrapper) => wraps(&name, rest, &wrapper, reads, depth),
    }
}

/// Whether an address leads to the pages of one host, whatever the model says: those are for a browser, and start nothing.
fn is_of_one_host(address: &str) -> bool {
    let rest = ["https://", "http://"].iter().find_map(|scheme| address.strip_prefix(scheme));
    let host = rest.and_then(|rest| rest.split_once('/')).map(|(host, _)| host);
    host.is_some_and(|host| !host.is_empty() && !has_places(host))
}

/// What a program does, and those of its arguments that this is about.
fn of_program<'a>(name: &str, arguments: &'a [String]) -> Option<(Program, &'a [String])> {
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    if let Some(known) = of_name(name).or_else(|| of_name(bare)) {
        return Some((known, arguments));
    }
    let name = known_as(name);
    SUBCOMMANDS.iter().filter(|(program, ..)| *program == name).find_map(|(_, word, known)| {
        let at = if word.is_empty() { 0 } else { arguments.iter().position(|argument| argument == word)? + 1 };
        Some((*known, &arguments[at..]))
    })
}

/// The name of a program without its folder and its ending.
fn last_part(program: &str) -> String {
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program).to_lowercase();
    name.strip_suffix(".exe").unwrap_or(&name).to_owned()
}

/// Of any program: an option that ends with `c` or `e`, or is called after what it does, and then what the model says.
fn follows_script_option(arguments: &[String]) -> bool {
    let is_script = |flag: &str| {
        let letters = flag.strip_prefix('-').filter(|letters| letters.bytes().all(|b| b.is_ascii_alphabetic()));
        flag.strip_prefix("--").is_some_and(|name| CODE_OPTIONS.contains(&name))
            || matches!(flag, "-Command" | "-EncodedCommand" | "-ex" | "-eval")
            // A longer one is a word, as in `-name`.
            || letters.is_some_and(|letters| letters.len() <= 3 && letters.ends_with(['c', 'e']))
    };
    let separate = arguments.windows(2).any(|two| is_script(&two[0]) && has_places(&two[1]));
    let joined = || arguments.iter().filter_map(|one| one.split_once('='));
    separate || joined().any(|(flag, words)| is_script(flag) && has_places(words))
}

/// Of an interpreter: in which of its arguments a program stands. What stands behind the program is its own.
fn interprets(arguments: &[String], interpreter: &Interpreter, reads: bool) -> bool {
    let Interpreter { code, values, long_values, first, mut before, reads: reads_code, apart } = *interpreter;
    let mut has_code = false;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--" {
            continue;
        }
        if argument == "-" {
            if reads && reads_code && !has_code {
                return true;
            }
            continue;
        }
        let Some(option) = argument.strip_prefix(['-', '+']) else {
            if has_code {
                return false;
            }
            if before > 0 {
                before -= 1;
                continue;
            }
            if has_places(argument) && (first || apart) {
                return true;
            }
            // The script itself, or the file that it is in.
            if first {
                return false;
            }
            continue;
        };
        if let Some((_, count)) = long_values.iter().find(|(long, _)| long == argument) {
            rest.by_ref().take(*count).for_each(drop);
            continue;
        }
        let is_value = option.starts_with(|letter| values.contains(letter));
        if has_places(argument) {
            if is_value {
                continue; // It is the value of that option.
            }
            return true;
        }
        if option.starts_with('-') {
            if WITH_CODE.contains(&argument.as_str()) && rest.next().is_some_and(|value| has_places(value)) {
                return true;
            }
            continue;
        }
        // A shell that is told to read its script has arguments of its own.
        if apart && reads && option.contains('s') && !option.contains('c') {
            return true;
        }
        let is_last = |letters: &str| option.ends_with(|letter| letters.contains(letter));
        if !apart && is_last(code) {
            has_code = true;
            match rest.next() {
                Some(code) if has_places(code) => return true,
                // A file of code that is what it reads.
                Some(code) if reads && matches!(code.as_str(), "-" | "/dev/stdin" | "/dev/fd/0") => return true,
                _ => {}
            }
        } else if is_last(values) && !(is_value && option.len() > 1) {
            let value = rest.next();
            // An option of a shell is no value that a model should choose.
            if apart && value.is_some_and(|value| has_places(value)) {
                return true;
            }
        } else if apart && option.contains(|letter| code.contains(letter)) {
            // Its code is the next argument that is no option.
            return code_of_shell(rest.as_slice());
        }
    }
    reads && reads_code && !has_code
}

/// Of a shell, after the option that says that code comes: whether the model says it.
fn code_of_shell(arguments: &[String]) -> bool {
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.strip_prefix(['-', '+']) {
            _ if has_places(argument) => return true,
            None => return false,
            Some(option) if option.ends_with(['o', 'O']) => {
                if rest.next().is_some_and(|value| has_places(value)) {
                    return true;
                }
            }
            Some(_) => {}
        }
    }
    false
}

/// Of a program that runs another one.
fn wraps(name: &str, arguments: &[String], wrapper: &Wrapper, reads: bool, depth: u32) -> bool {
    let arguments = match name {
        "env" => match split_strings(arguments) {
            Some(arguments) => arguments,
            None => return true,
        },
        _ => arguments.to_vec(),
    };
    if sets_a_variable(&arguments) {
        return true;
    }
    let command = command_in(&arguments, wrapper);
    if name == "xargs" {
        return is_code(&with_added(&arguments, command, reads), false, depth - 1);
    }
    if runs(name, &command, reads, depth) {
        return true;
    }
    // Where an option is not known to have a value, the command is further on than it seems.
    (0..arguments.len()).any(|at| {
        let is_interpreter = |known| matches!(known, Some((Program::Interpreter(_), _)));
        let rest = &arguments[at..];
        !has_places(&rest[0])
            && is_interpreter(of_program(&last_part(&rest[0]), &rest[1..]))
            && is_code(rest, reads, depth - 1)
    })
}

/// A command within another one; without one there it is often a shell.
fn runs(name: &str, command: &[String], reads: bool, depth: u32) -> bool {
    match command {
        [] => reads && name != "env",
        command => is_code(command, reads, depth - 1),
    }
}

/// The command among a program's arguments.
fn command_in(arguments: &[String], wrapper: &Wrapper) -> Vec<String> {
    let mut before = wrapper.before;
    let mut at = 0;
    while let Some(argument) = arguments.get(at) {
        at += 1;
        match argument.strip_prefix('-') {
            Some("" | "-") => {}
            Some(option) if option.starts_with('-') => {}
            Some(option) => at += usize::from(option.len() == 1 && wrapper.values.contains(option)),
            None if is_assignment(argument) => {}
            None if before > 0 => before -= 1,
            None => return arguments[at - 1..].to_vec(),
        }
    }
    Vec::new()
}

fn is_assignment(argument: &str) -> bool {
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    argument.split_once('=').is_some_and(|(name, _)| is_name(name))
}

/// Whether the model says the name of a variable, or the value of one by which programs are made to run something.
fn sets_a_variable(arguments: &[String]) -> bool {
    arguments.iter().filter_map(|argument| argument.split_once('=')).any(|(name, value)| {
        let name = name.rsplit_once("--").map_or(name, |(_, name)| name);
        let is_loaded = VARIABLES.contains(&name) || name.starts_with("DYLD_") || name.starts_with("LD_");
        (has_places(name) && !name.starts_with('-')) || (is_loaded && has_places(value))
    })
}

/// The arguments of `env` with what `-S` splits; `None` if the model says what is split.
fn split_strings(arguments: &[String]) -> Option<Vec<String>> {
    let mut split = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let short = argument.strip_prefix('-').filter(|letters| !letters.starts_with('-'));
        let string = match (argument.strip_prefix("--split-string"), short.and_then(|letters| letters.split_once('S')))
        {
            (Some(""), _) => rest.next().cloned().unwrap_or_default(),
            (Some(joined), _) => joined.trim_start_matches('=').to_owned(),
            (None, Some((letters, joined))) if letters.chars().all(|letter| "iv0".contains(letter)) => match joined {
                "" => rest.next().cloned().unwrap_or_default(),
                joined => joined.to_owned(),
            },
            _ => {
                split.push(argument.clone());
                continue;
            }
        };
        if has_places(&string) {
            return None;
        }
        let bare = |word: &str| word.trim_matches(['\'', '"']).to_owned();
        split.extend(string.split_whitespace().map(bare));
    }
    Some(split)
}

/// The command of `xargs` with what it adds at the end, or puts where it is told to.
fn with_added(arguments: &[String], command: Vec<String>, reads: bool) -> Vec<String> {
    if !reads || command.is_empty() {
        return command;
    }
    let after = |flag: &str| {
        let at = arguments.iter().position(|argument| argument == flag)?;
        arguments.get(at + 1).cloned()
    };
    let attached = arguments.iter().find_map(|argument| {
        argument.strip_prefix("-I").or(argument.strip_prefix("--replace=")).filter(|sign| !sign.is_empty())
    });
    match after("-I").or(attached.map(str::to_owned)) {
        Some(sign) if !sign.is_empty() => command.iter().map(|word| word.replace(&sign, ADDED)).collect(),
        _ => command.into_iter().chain([ADDED.to_owned()]).collect(),
    }
}

/// Of a program that finds files and runs commands on them.
fn finds(name: &str, arguments: &[String], reads: bool, depth: u32) -> bool {
    let is_exec = |argument: &str| match name {
        "find" => matches!(argument, "-exec" | "-execdir" | "-ok" | "-okdir"),
        _ => matches!(argument, "-x" | "-X" | "--exec" | "--exec-batch"),
    };
    let ended = arguments.iter().position(|argument| argument == "--");
    // What follows is no file of `find`'s: a dash begins an action there, too.
    if name == "find" && ended.is_some_and(|at| arguments[at..].iter().any(|argument| has_places(argument))) {
        return true;
    }
    let begins = arguments.iter().enumerate().filter(|(_, argument)| is_exec(argument)).map(|(at, _)| at + 1);
    begins.into_iter().any(|at| {
        let command = &arguments[at..];
        let end = command.iter().position(|argument| matches!(argument.as_str(), ";" | "\\;" | "+"));
        is_code(&command[..end.unwrap_or(command.len())], reads, depth - 1)
    })
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
            // Options between code and its option, and arguments of a script that is read.
            "bash -s a b",
            "perl -e 1 -e {{x}}",
            "python3 -W ignore {{x}}",
            "python3 -m {{x}}",
            "php {{x}}",
            "ruby -r{{x}} a.rb",
            "deno eval {{x}}",
            "deno run {{x}}",
            "bun -e {{x}}",
            "go run {{x}}",
            "java -cp a.jar {{x}}",
            "Rscript -e {{x}}",
            "tclsh {{x}}",
            "tclsh",
            "expect -c {{x}}",
            "gnuplot -e {{x}}",
            "pwsh {{x}}",
            "cmd.exe /c {{x}}",
            // Languages that nobody takes for one.
            "awk {{x}}",
            "awk {{x}} file",
            "gawk -F , {{x}}",
            "awk -v a=b {{x}} file",
            "awk -f {{x}} file",
            "awk -f - file",
            "gawk -e {{x}}",
            "mawk -f /dev/stdin",
            "sed {{x}}",
            "sed -n {{x}} file",
            "sed -e s/a/b/ -f {{x}}",
            "sed --expression={{x}} file",
            "sed -i s/{{x}}/b/e file",
            "jq {{x}}",
            "jq -r --arg a b {{x}}",
            "m4 {{x}}",
            "dc",
            "dc -e {{x}}",
            "make {{x}}",
            "make A={{x}}",
            "sqlite3 a.db {{x}}",
            "sqlite3 a.db",
            "psql -c {{x}}",
            "psql -h host -U me db",
            "mysql -e {{x}}",
            "vim -c {{x}} file",
            "vim +{{x}} file",
            "emacs --eval {{x}}",
            "gdb -ex {{x}} prog",
            // Commands within commands.
            "docker exec c sh -c {{x}}",
            "docker exec -it -u me -e A=b c bash {{x}}",
            "docker exec --user me c sh {{x}}",
            "docker exec c {{x}}",
            "docker exec -i c sh",
            "docker run --rm alpine ash -c {{x}}",
            "docker compose exec web python3 -c {{x}}",
            "podman exec c awk {{x}}",
            "kubectl exec -n ns pod -c web -- sh -c {{x}}",
            "kubectl exec pod -- {{x}}",
            "kubectl exec -i pod -- sh",
            "oc exec pod -- awk {{x}}",
            "xargs sh -c",
            "xargs {{x}}",
            "xargs -n 1 bash",
            "xargs -I % sh -c %",
            "xargs -I{} sh -c {}",
            "xargs awk",
            "parallel {{x}}",
            "env -S {{x}}",
            "env -S sh {{x}}",
            "env -iS bash\u{a0}-c {{x}}",
            "env --split-string=awk {{x}}",
            "env LD_PRELOAD={{x}} notify",
            "env BASH_ENV={{x}} bash script.sh",
            "env {{x}} notify",
            "env {{x}}=1 notify",
            "find . -exec sh -c {{x}} ;",
            "find . -name a -execdir awk {{x}} {} +",
            "find . -ok {{x}} ;",
            "find -- {{x}}",
            "fd -x sh -c {{x}}",
            "ssh host",
            "ssh -p 22 host sh",
            "ssh -o ProxyCommand={{x}} host",
            "ssh host docker exec c sh {{x}}",
            "su",
            "su -",
            "adb shell",
            "nice -n 5 env A=b timeout -k 1 5 sh {{x}}",
            "sudo -u me {{x}}",
            "timeout 5 {{x}}",
            "flock /tmp/l sh -c {{x}}",
            "flock /tmp/l -c {{x}}",
            "watch {{x}}",
            "tmux send-keys {{x}}",
            "strace -f -o log sh {{x}}",
            "nsenter -t 1 sh {{x}}",
            "npx {{x}}",
            "uv run {{x}}",
            "busybox awk {{x}}",
            "at now",
            "crontab -",
            "rsync --rsh={{x}} a b",
            "rsync -e {{x}} a b",
            "tar --to-command={{x}} -xf a.tar",
            "tar --checkpoint-action=exec={{x}} -cf a.tar b",
            "git -c {{x}} status",
            "socat - {{x}}",
            // What opens a file starts it if it is a program.
            "xdg-open {{x}}",
            "/usr/bin/xdg-open {{x}}",
            "xdg-open /home/me/{{x}}",
            "xdg-open file:///home/me/{{x}}",
            "xdg-open https://{{x}}",
            "xdg-open https://{{x}}/a",
            "xdg-open mailto:{{x}}",
            "env A=b xdg-open {{x}}",
            "xargs -n 1 xdg-open",
            "find . -name a -exec xdg-open {{x}} ;",
            "gio open {{x}}",
            "gio launch {{x}}",
            "exo-open --launch {{x}}",
            "gtk-launch {{x}}",
            "kioclient exec {{x}}",
            "open -a {{x}}",
            "explorer.exe {{x}}",
            "run-mailcap {{x}}",
        ] {
            let words: Vec<String> = argv.split(' ').map(|word| word.replace('\u{a0}', " ")).collect();
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
            "awk -v a={{x}} -f prog.awk",
            "awk -va={{x}} -f prog.awk",
            "awk $1==2 {{x}}",
            "awk -f prog.awk",
            "sed -n 1p {{x}}",
            "sed -e s/a/b/ {{x}}",
            "sed s/a/b/",
            "jq -r .a {{x}}",
            "jq --arg a {{x}} .b",
            "jq .a",
            "docker exec c notify {{x}}",
            "docker exec -i -u me c notify",
            "kubectl exec pod -- notify {{x}}",
            "xargs",
            "xargs notify",
            "xargs -I % notify -- %",
            "xargs -n 1 grep",
            "env -S notify {{x}}",
            "env A={{x}} notify",
            "env",
            "find . -name {{x}}",
            "find {{x}} -type f",
            "find . -name {{x}} -exec wc -l {} ;",
            "find . -exec grep {{x}} {} +",
            "fd {{x}}",
            "ssh host notify",
            "su me -c notify",
            "nice -n 5 notify {{x}}",
            "flock /tmp/l notify {{x}}",
            "strace -f -o log notify {{x}}",
            "sqlite3 {{x}} .tables",
            "vim {{x}}",
            "bash -c cat",
            "perl -ne print",
            "python3 send.py",
            "mysqldump {{x}}",
            "notify --title {{x}}",
            "notify -title {{x}}",
            "todo add --list home -- {{x}}",
            "xdg-open /home/me/notes.txt",
            "xdg-open https://example.com/search?q={{x}}",
            "gio info {{x}}",
        ] {
            let words: Vec<String> = argv.split(' ').map(str::to_owned).collect();
            assert!(!runs_arguments(&words), "{argv}");
        }
    }
}
