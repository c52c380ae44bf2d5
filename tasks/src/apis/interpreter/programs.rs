//! What programs do with their arguments, as far as a list can say it: which of them hold a program of another language, and which run
//! another command.

/// What one program does with what it is told.
#[derive(Clone, Copy, Debug)]
pub(super) enum Program {
    /// It reads a language in which everything can be done.
    Interpreter(Interpreter),
    /// It runs the command that stands among its arguments.
    Wrapper(Wrapper),
    /// All that it is told may be run by a shell.
    Shelled,
    /// The same, elsewhere or as somebody else; without a command it is a shell there, and runs what it reads.
    Remote(Wrapper),
    /// It runs what it reads; its arguments are harmless.
    Reader,
    /// It opens what it is told with whatever program is for it, and what is a program it starts.
    Opener,
}

/// A program that reads a language.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interpreter {
    /// Letters of the options that code, or the name of a file of code, follows.
    pub code: &'static str,
    /// Letters of those that some other value follows.
    pub values: &'static str,
    /// Long options that some other value follows, and how many.
    pub long_values: &'static [(&'static str, usize)],
    /// Whether the first argument that is no option is code, or a file of code, where no option had it before.
    pub first: bool,
    /// How many arguments come before that one.
    pub before: usize,
    /// Whether it reads code where it is given none.
    pub reads: bool,
    /// Whether other options may stand between the option and its code, as in `sh -c -x CODE`.
    pub apart: bool,
}

/// A program that runs another command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wrapper {
    /// Letters of the options that a value follows.
    pub values: &'static str,
    /// How many arguments come before the command.
    pub before: usize,
}

const SHELL: Interpreter =
    Interpreter { code: "c", values: "oO", long_values: &[], first: true, before: 0, reads: true, apart: true };
const SCRIPT: Interpreter = Interpreter { code: "e", values: "", apart: false, ..SHELL };
/// Its code is its first argument; what it reads is data.
const FILTER: Interpreter = Interpreter { code: "e", values: "", reads: false, ..SCRIPT };
/// It opens files that are named to it, and takes code by options only.
const EDITOR: Interpreter = Interpreter { code: "cS", values: "", first: false, reads: false, ..SCRIPT };
/// Its arguments are a database and then code.
const DATABASE: Interpreter = Interpreter { code: "ce", values: "hpUudPDS", first: false, ..SCRIPT };

const fn interpreter(interpreter: Interpreter) -> Program {
    Program::Interpreter(interpreter)
}

const fn wrapper(values: &'static str, before: usize) -> Program {
    Program::Wrapper(Wrapper { values, before })
}

const fn remote(values: &'static str, before: usize) -> Program {
    Program::Remote(Wrapper { values, before })
}

/// Names without folder, ending and version.
const PROGRAMS: &[(&[&str], Program)] = &[
    (
        &[
            "ash", "bash", "bosh", "csh", "dash", "dtksh", "elvish", "es", "fish", "hush", "ion", "ksh", "lksh",
            "mksh", "nu", "oil", "oksh", "osh", "pdksh", "posh", "rbash", "rc", "rksh", "rzsh", "sh", "tcsh", "xonsh",
            "yash", "zsh",
        ],
        interpreter(SHELL),
    ),
    (
        &["ipython", "jython", "micropython", "py", "pypy", "python", "pythonw"],
        interpreter(Interpreter { code: "cm", values: "WX", ..SCRIPT }),
    ),
    (
        &["perl", "raku", "ruby", "jruby", "rbx", "irb"],
        interpreter(Interpreter { code: "eEMmr", values: "", ..SCRIPT }),
    ),
    (&["node", "nodejs", "tsx", "zx", "electron"], interpreter(Interpreter { code: "epr", values: "", ..SCRIPT })),
    (&["php", "php-cgi", "hhvm"], interpreter(Interpreter { code: "rBREfzd", values: "", ..SCRIPT })),
    (&["powershell", "pwsh"], interpreter(Interpreter { code: "cCeEfF", values: "", ..SCRIPT })),
    (
        &[
            "clisp",
            "clojure",
            "coffee",
            "crystal",
            "cscript",
            "d8",
            "dart",
            "dc",
            "ecl",
            "elixir",
            "erl",
            "escript",
            "expect",
            "forth",
            "gforth",
            "ghci",
            "gjs",
            "gnuplot",
            "groovy",
            "guile",
            "iex",
            "io",
            "janet",
            "jjs",
            "jshell",
            "julia",
            "kotlin",
            "kotlinc",
            "lua",
            "luajit",
            "maxima",
            "mongo",
            "mongosh",
            "nim",
            "ocaml",
            "octave",
            "octave-cli",
            "osascript",
            "qjs",
            "r",
            "racket",
            "rscript",
            "runghc",
            "runhaskell",
            "sbcl",
            "scala",
            "seed",
            "sml",
            "swift",
            "swipl",
            "tclsh",
            "texlua",
            "ts-node",
            "utop",
            "wish",
            "wscript",
        ],
        interpreter(Interpreter { code: "eEcfl", values: "", ..SCRIPT }),
    ),
    (
        &["java", "javaw"],
        interpreter(Interpreter { code: "", values: "", long_values: &[("-cp", 1), ("-classpath", 1)], ..SCRIPT }),
    ),
    (&["awk", "gawk", "mawk", "nawk"], interpreter(Interpreter { code: "efEil", values: "vF", ..FILTER })),
    (&["sed", "gsed"], interpreter(Interpreter { code: "ef", values: "l", ..FILTER })),
    (
        &["gojq", "jaq", "jq", "yq"],
        interpreter(Interpreter {
            code: "fL",
            values: "",
            long_values: &[("--arg", 2), ("--argjson", 2), ("--slurpfile", 2), ("--rawfile", 2), ("--indent", 1)],
            ..FILTER
        }),
    ),
    (
        &["m4", "latex", "lualatex", "pdflatex", "pdftex", "tex", "xelatex"],
        interpreter(Interpreter { code: "", ..SCRIPT }),
    ),
    (
        &["emacs", "emacsclient", "ex", "gvim", "nvim", "vi", "view", "vim"],
        interpreter(Interpreter { code: "cSsel", ..EDITOR }),
    ),
    (&["gdb", "lldb"], interpreter(Interpreter { code: "exos", reads: true, ..EDITOR })),
    (&["mariadb", "mysql", "psql"], interpreter(DATABASE)),
    (&["duckdb", "sqlite"], interpreter(Interpreter { code: "c", values: "", first: true, before: 1, ..DATABASE })),
    (&["cmd", "gmake", "make", "parallel", "screen", "socat", "tmux", "watch", "zellij"], Program::Shelled),
    (&["adb"], remote("sHPLt", 1)),
    (&["autossh", "mosh", "remsh", "rsh", "slogin", "ssh"], remote("bcDEeFIiJLlmOopQRSWwB", 1)),
    (&["dbclient", "plink"], remote("lpiLRP", 1)),
    (&["su"], remote("gGsw", 1)),
    (&["wsl"], remote("dueE", 0)),
    (&["at", "atq", "batch", "crontab"], Program::Reader),
    (
        &[
            "cygstart",
            "dex",
            "exo-open",
            "explorer",
            "gde-open",
            "gnome-open",
            "gtk-launch",
            "gvfs-open",
            "kde-open",
            "kfmclient",
            "mimeo",
            "mimeopen",
            "open",
            "pcmanfm",
            "run-mailcap",
            "rundll32",
            "see",
            "start",
            "wslview",
            "xdg-open",
        ],
        Program::Opener,
    ),
    (&["command", "exec", "nohup", "dbus-run-session", "setsid", "torsocks", "unbuffer", "catchsegv"], wrapper("a", 0)),
    (&["env"], wrapper("uCS", 0)),
    (&["nice"], wrapper("n", 0)),
    (&["ionice"], wrapper("cnpPu", 0)),
    (&["timeout"], wrapper("ks", 1)),
    (&["stdbuf"], wrapper("ioe", 0)),
    (&["chroot", "chrt", "taskset", "faketime", "gosu", "su-exec", "setarch"], wrapper("", 1)),
    (&["time"], wrapper("fo", 0)),
    (&["doas"], wrapper("uC", 0)),
    (&["sudo", "runuser"], wrapper("ugpCDRThUGsc", 0)),
    (&["flock"], wrapper("wEc", 1)),
    (&["xargs"], wrapper("InPLdasE", 0)),
    (&["strace", "ltrace"], wrapper("eopsuEaPIbSXOn", 0)),
    (
        &[
            "valgrind",
            "firejail",
            "bwrap",
            "proot",
            "tini",
            "dumb-init",
            "linux64",
            "linux32",
            "i386",
            "npx",
            "pipx",
            "uvx",
            "bunx",
        ],
        wrapper("pcw", 0),
    ),
    (
        &["xvfb-run", "systemd-run", "nsenter", "unshare", "setpriv", "proxychains", "proxychains4"],
        wrapper("nefspwltSGrCM", 0),
    ),
    (&["sshpass"], wrapper("pfdP", 0)),
    (
        &["rlwrap", "busybox", "toybox", "script", "entr", "start-stop-daemon", "cgexec", "numactl", "sem"],
        wrapper("acgf", 0),
    ),
];

/// Programs that take a word for what they do first, and what stands behind it.
pub(super) const SUBCOMMANDS: &[(&str, &str, Program)] = &[
    ("deno", "eval", interpreter(SCRIPT)),
    ("deno", "run", interpreter(SCRIPT)),
    ("deno", "", interpreter(Interpreter { code: "e", reads: true, ..SCRIPT })),
    ("bun", "run", interpreter(SCRIPT)),
    ("bun", "x", wrapper("", 0)),
    ("bun", "", interpreter(Interpreter { code: "ep", ..SCRIPT })),
    ("go", "run", interpreter(Interpreter { reads: false, ..SCRIPT })),
    ("uv", "run", wrapper("pw", 0)),
    ("pipx", "run", wrapper("", 0)),
    ("npm", "exec", wrapper("pc", 0)),
    ("npm", "x", wrapper("pc", 0)),
    ("pnpm", "exec", wrapper("", 0)),
    ("pnpm", "dlx", wrapper("", 0)),
    ("yarn", "exec", wrapper("", 0)),
    ("yarn", "dlx", wrapper("", 0)),
    ("docker", "exec", wrapper("euw", 1)),
    ("docker", "run", wrapper("euwvplhamc", 1)),
    ("docker-compose", "exec", wrapper("euw", 1)),
    ("docker-compose", "run", wrapper("euwvp", 1)),
    ("kubectl", "exec", wrapper("cnsf", 1)),
    ("kubectl", "run", wrapper("nls", 1)),
    ("lxc", "exec", wrapper("", 1)),
    ("lxc-attach", "", wrapper("nPveRu", 0)),
    ("machinectl", "shell", wrapper("ME", 1)),
    ("distrobox", "enter", wrapper("ne", 0)),
    ("toolbox", "run", wrapper("cdr", 0)),
    ("flatpak", "run", wrapper("", 1)),
    ("snap", "run", wrapper("", 1)),
    ("gio", "launch", Program::Opener),
    ("gio", "open", Program::Opener),
    ("kioclient", "", Program::Opener),
    ("kioclient5", "", Program::Opener),
    ("vagrant", "ssh", Program::Shelled),
    ("gcloud", "compute", Program::Shelled),
    ("nix-shell", "", Program::Shelled),
    ("nix", "", Program::Shelled),
];

/// Other names of programs of that list.
const SAME: &[(&str, &str)] = &[
    ("podman", "docker"),
    ("nerdctl", "docker"),
    ("oc", "kubectl"),
    ("k", "kubectl"),
    ("microk8s.kubectl", "kubectl"),
    ("incus", "lxc"),
    ("podman-compose", "docker-compose"),
];

/// Variables by which a program is made to run something, or to load it.
pub(super) const VARIABLES: &[&str] = &[
    "BASH_ENV",
    "BROWSER",
    "CC",
    "EDITOR",
    "ENV",
    "GIT_ASKPASS",
    "GIT_EDITOR",
    "GIT_EXTERNAL_DIFF",
    "GIT_PAGER",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "IFS",
    "JAVA_TOOL_OPTIONS",
    "LD_AUDIT",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "LESSOPEN",
    "LUA_INIT",
    "MANPAGER",
    "NODE_OPTIONS",
    "NODE_PATH",
    "PAGER",
    "PATH",
    "PERL5DB",
    "PERL5LIB",
    "PERL5OPT",
    "PERLLIB",
    "PROMPT_COMMAND",
    "PS4",
    "PYTHONHOME",
    "PYTHONINSPECT",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "PYTHONWARNINGS",
    "RUBYLIB",
    "RUBYOPT",
    "SHELL",
    "SHELLOPTS",
    "SSH_ASKPASS",
    "SUDO_ASKPASS",
    "VISUAL",
    "ZDOTDIR",
    "_JAVA_OPTIONS",
];

/// What a program of this name does with its arguments, if that is known; of programs with words for what they do see [`SUBCOMMANDS`].
pub(super) fn of_name(name: &str) -> Option<Program> {
    PROGRAMS.iter().find(|(names, _)| names.contains(&name)).map(|(_, program)| *program)
}

/// The name by which a program stands in [`SUBCOMMANDS`].
pub(super) fn known_as(name: &str) -> &str {
    SAME.iter().find(|(other, _)| *other == name).map_or(name, |(_, known)| known)
}
