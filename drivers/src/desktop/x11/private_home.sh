# Gives what is started in a private desktop the home /home/NAME, whatever this machine has there, and then starts it.
# Usage: sh private_home.sh FOLDER HOME PROGRAM…, as root of a namespace in which it may mount.
# Others' homes, runtime folders and temporary files are not there inside: programs find their own kind by names in those, and one
# desktop's would speak to another's. Of the rest nothing can be written: a task's commands run as the user whose machine this is, who
# may be root. The desktop's own folder is there, wherever it lies.
folder=$1 home=$2
shift 2
failed() { echo "failed a home at $home: $(tail -n 2 "$folder/mount.log" | tr '\n' ' ')"; exit 1; }
# What stays as it is has to be a mount of its own.
for writable in "$folder" /tmp/.X11-unix; do
    mount --bind "$writable" "$writable" || failed
done
# Where nobody has logged in there is none yet.
[ -d /run/user ] || mkdir /run/user
# Only now: what is open for writing keeps its mount from being made read-only.
exec 2>>"$folder/mount.log"
exec 8</tmp/.X11-unix 9<"$folder" || failed
while read -r _ mounted _; do
    case $mounted in
    "$folder" | /tmp/.X11-unix | /proc | /proc/* | /sys | /sys/* | /dev | /dev/*) ;;
    *) mount -o remount,bind,ro "$mounted" ;;
    esac
done </proc/self/mounts
[ -w /etc ] && { echo "/etc can still be written" >&2; failed; }
keep() {
    case $folder in
    "$1"/*) mkdir -p "$folder" && mount -c --bind /proc/self/fd/9 "$folder" ;;
    esac
}
cover() {
    [ -d "$1" ] || mkdir "$1" || return
    mount -t tmpfs -o mode=0755 tmpfs "$1" && mkdir "$2" && mount -c --bind "/proc/self/fd/$3" "$2" && keep "$1"
}
cover /tmp /tmp/.X11-unix 8 && chmod 1777 /tmp || failed
cover /home "$home" 9/home || failed
# Tasks name the session bus of the first user by its usual address.
cover /run/user /run/user/1000 9/run || echo "without /run/user/1000" >&2
# Programs say whose they are by the list of users.
{ grep -v '^[^:]*:[^:]*:1000:' /etc/passwd; echo "${home##*/}:x:1000:1000:${home##*/}:$home:/bin/bash"; } >"$folder/passwd" &&
    mount --bind "$folder/passwd" /etc/passwd
exec 8<&- 9<&-
exec "$@" 2>/dev/null
