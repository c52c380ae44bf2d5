# Keeps a private desktop for as long as somebody holds the other end of its standard input, and nothing of it after that.
# Usage: sh private.sh FOLDER WIDTHxHEIGHT NUMBER namespace|group [HOME]
# It is the first process of its namespace, or the leader of its group. Each line that it reads is started as a command of the desktop.
# It writes: `display N`, then `ready`; or `failed WHAT`.
folder=$1 size=$2 number=$3 kind=$4 home=${5:-$1/home}
umask 077
trap '' PIPE HUP INT
failed() { echo "failed $1: $(tail -n 3 "$folder/$2" 2>/dev/null | tr '\n' ' ')"; end; }
end() {
    # The server first: it removes its socket and its lock, and whoever is connected to it ends.
    if [ -n "$xvfb" ]; then
        kill -TERM "$xvfb" 2>/dev/null
        (sleep 2; kill -KILL "$xvfb") >/dev/null 2>&1 &
        wait "$xvfb" 2>/dev/null
    fi
    # Nobody may write into the folder while it is removed.
    if [ "$kind" = namespace ]; then
        kill -KILL -1 2>/dev/null
    else
        # Whoever has left the group still has the mark in its environment.
        for process in /proc/[0-9]*; do
            id=${process#/proc/}
            [ "$id" != "$$" ] && grep -qsz "^TAPWRIGHT_DESKTOP=$folder\$" "$process/environ" && kill -KILL "$id" 2>/dev/null
        done
    fi
    [ -n "$display" ] && rm -f "/tmp/.X11-unix/X$display" "/tmp/.X$display-lock"
    tries=0
    until rm -rf "$folder" 2>/dev/null; [ -z "$(ls -A "$folder" 2>/dev/null)" ] || [ $tries -ge 40 ]; do
        tries=$((tries + 1))
        sleep 0.05
    done
    exit
}

export TAPWRIGHT_DESKTOP="$folder" HOME="$home" XDG_RUNTIME_DIR="$folder/run" XAUTHORITY="$folder/authority"
export XDG_CONFIG_HOME="$HOME/.config" XDG_DATA_HOME="$HOME/.local/share" XDG_CACHE_HOME="$HOME/.cache" XDG_STATE_HOME="$HOME/.local/state"
# Programs that stand for others, for whoever has put some there.
[ -n "$5" ] && export PATH="$folder/bin:$PATH"
export LANG=C.UTF-8 GTK_MODULES=gail:atk-bridge GNOME_ACCESSIBILITY=1 QT_ACCESSIBILITY=1 QT_LINUX_ACCESSIBILITY_ALWAYS_ON=1
# A file chooser of a portal would hang: nobody runs one here.
export GTK_USE_PORTAL=0 NO_AT_BRIDGE=0 DBUS_SESSION_BUS_ADDRESS="unix:path=$folder/run/bus"
# What is the user's own session's would lead out of the private one.
unset LC_ALL WAYLAND_DISPLAY XDG_CURRENT_DESKTOP XDG_SESSION_ID SESSION_MANAGER DESKTOP_SESSION XMODIFIERS GTK_IM_MODULE QT_IM_MODULE
mkdir -p "$HOME" "$XDG_RUNTIME_DIR" && cd "$HOME" || failed "the folder $folder" none

mkfifo "$folder/number" || failed "the folder $folder" none
Xvfb ":$number" -displayfd 3 -screen 0 "${size}x24" -dpi 96 -nolisten tcp -noreset -auth "$XAUTHORITY" 3>"$folder/number" >"$folder/xvfb.log" 2>&1 </dev/null &
xvfb=$!
dbus-daemon --session --nofork --nopidfile --address="$DBUS_SESSION_BUS_ADDRESS" >"$folder/bus.log" 2>&1 </dev/null &
# When the server gives up, this reads an end.
read -r display <"$folder/number"
[ -n "$display" ] || { xvfb=; failed "Xvfb" xvfb.log; }
export DISPLAY=":$display"
echo "$display" >"$folder/display"
echo "display $display"
openbox --sm-disable --config-file "$folder/openbox.xml" >"$folder/openbox.log" 2>&1 </dev/null &

tries=0
until [ -S "$folder/run/bus" ]; do
    tries=$((tries + 1))
    [ $tries -lt 200 ] || failed "dbus-daemon" bus.log
    sleep 0.02
done
# Programs that the bus starts were given its environment, from before there was a display.
dbus-update-activation-environment DISPLAY XAUTHORITY PATH >/dev/null 2>&1 </dev/null
# Before any program starts: most ask only once. This also starts the accessibility bus.
dbus-send --session --print-reply --reply-timeout=5000 --dest=org.a11y.Bus /org/a11y/bus org.freedesktop.DBus.Properties.Set \
    string:org.a11y.Status string:IsEnabled variant:boolean:true >"$folder/accessibility.log" 2>&1 </dev/null || echo "without accessibility"
echo "ready"

while IFS= read -r line; do
    eval "$line" >>"$folder/apps.log" 2>&1 </dev/null &
done
end
