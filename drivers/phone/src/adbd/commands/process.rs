//! What runs on the phone, and what the kernel tells of it: `ps`, `pidof`, and the files of `/proc`.

use super::Call;
use crate::World;
use crate::adbd::handle::Handle;

/// One process, as `ps` lists it.
struct Process {
    user: &'static str,
    id: u32,
    parent: u32,
    name: String,
}

/// The processor cores that this phone says it has, here and in `/sys/devices/system/cpu`.
const CORES: u32 = 4;

/// What runs now: the system, the launcher, the keyboard, and the app in front.
fn processes(handle: &Handle, shell: &str) -> Vec<Process> {
    let process = |user, id, parent, name: &str| Process { user, id, parent, name: name.to_owned() };
    let mut all = vec![
        process("root", 1, 0, "init"),
        process("shell", 412, 1, "adbd"),
        process("root", 433, 1, "zygote64"),
        process("system", 1240, 433, "system_server"),
        process("u0_a1", 1512, 433, "com.android.systemui"),
    ];
    handle.look(|world| {
        let keyboard = world.input_method().split('/').next().unwrap_or_default();
        all.push(process("u0_a2", 1644, 433, keyboard));
        all.push(process("u0_a3", 1702, 433, "com.tapwright.launcher"));
        let front = world.front().package;
        if let Some(id) = process_of(world, front) {
            all.push(process("u0_a50", id, 433, front));
        }
    });
    all.push(process("shell", 4242, 412, "sh"));
    all.push(process("shell", 4243, 4242, shell));
    all
}

/// The number of an app's process, if it is in front: apps that are not have none here.
fn process_of(world: &World, package: &str) -> Option<u32> {
    let at = world.apps().iter().position(|app| app.package == package)?;
    (world.front().package == package).then_some(4711 + at as u32)
}

pub(super) fn ps(call: &mut Call<'_>) -> u8 {
    let arguments = call.arguments();
    let all = arguments.iter().any(|word| word.starts_with('-') && word.contains(['A', 'e', 'a']));
    // Old phones take a part of a name, and some clients still give one.
    let filter = arguments.iter().find(|word| !word.starts_with('-')).copied();
    if let Some(option) = arguments.iter().find(|word| **word == "-o" || **word == "-p") {
        call.complain(&format!("ps: {option} is not supported on this phone\n"));
        return 1;
    }
    call.say("USER           PID  PPID     VSZ    RSS WCHAN            ADDR S NAME\n");
    for Process { user, id, parent, name } in processes(call.handle(), "ps") {
        let wanted = match filter {
            Some(filter) => name.contains(filter) || filter == id.to_string(),
            None => all || user == "shell",
        };
        if wanted {
            call.say(&format!("{user:<12} {id:>5} {parent:>5} 12804096 148200 0                   0 S {name}\n"));
        }
    }
    0
}

pub(super) fn pidof(call: &mut Call<'_>) -> u8 {
    let found: Vec<String> = processes(call.handle(), "pidof")
        .into_iter()
        .filter(|process| call.arguments.contains(&process.name))
        .map(|process| process.id.to_string())
        .collect();
    if found.is_empty() {
        return 1;
    }
    call.say(&format!("{}\n", found.join(" ")));
    0
}

/// No signal reaches anything here: apps are ended with `am force-stop`.
pub(super) fn kill(call: &mut Call<'_>) -> u8 {
    let known = processes(call.handle(), "kill");
    let mut status = 1;
    for word in call.arguments.iter().filter(|word| !word.starts_with('-')) {
        let there = known.iter().any(|process| process.id.to_string() == *word);
        let why = if there { "Operation not permitted" } else { "No such process" };
        call.output
            .push(crate::adbd::terminal::Channel::Err, format!("/system/bin/sh: kill: {word}: {why}\n").as_bytes());
    }
    if call.arguments.is_empty() {
        call.complain("/system/bin/sh: kill: Needs 1 argument\n");
        status = 2;
    }
    status
}

/// What a file of `/proc` holds at this moment; `None` if there is none of that name.
pub(super) fn proc_file(handle: &Handle, path: &str) -> Option<String> {
    let name = path.strip_prefix("/proc/")?;
    let millis = handle.look(World::uptime);
    let ticks = millis / 10;
    Some(match name {
        "cpuinfo" => (0..CORES)
            .map(|core| {
                format!(
                    "processor\t: {core}\nBogoMIPS\t: 38.40\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\n\
                     CPU architecture: 8\nCPU variant\t: 0x1\nCPU part\t: 0xd05\nCPU revision\t: 0\n\n"
                )
            })
            .chain(["Hardware\t: Tapwright virtual phone\n".to_owned()])
            .collect(),
        "stat" => {
            let row = |name: &str, ticks: u64| {
                format!("{name} {} 0 {} {} 0 0 0 0 0 0\n", ticks / 20, ticks / 40, ticks - ticks / 20 - ticks / 40)
            };
            let mut text = row("cpu ", u64::from(CORES) * ticks);
            text.extend((0..CORES).map(|core| row(&format!("cpu{core}"), ticks)));
            text + &format!("intr 0\nctxt {ticks}\nbtime {}\nprocesses 4243\nprocs_running 1\nprocs_blocked 0\n", handle.now() - millis / 1000)
        }
        "meminfo" => "MemTotal:        8000000 kB\nMemFree:         3000000 kB\nMemAvailable:    5000000 kB\n\
                      Buffers:           20000 kB\nCached:          2000000 kB\nSwapTotal:             0 kB\nSwapFree:              0 kB\n"
            .to_owned(),
        "uptime" => format!("{}.{:02} {}.00\n", millis / 1000, millis / 10 % 100, u64::from(CORES) * (millis / 1000)),
        "loadavg" => "0.00 0.00 0.00 1/12 4243\n".to_owned(),
        "version" => "Linux version 6.1.0-tapwright #1 SMP\n".to_owned(),
        _ => return None,
    })
}
