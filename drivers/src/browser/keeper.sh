# Keeps a browser for as long as somebody holds the other end of this program's standard error, and nothing of it after that.
# Usage: sh keeper.sh FOLDER PROGRAM ARGUMENT...
# The browser speaks its protocol through our standard input and output, as its files 3 and 4.
folder=$1
shift
umask 077
# Before the browser is in the background, where a shell takes its standard input away.
exec 3<&0 4>&1 5<&2 0</dev/null 1>/dev/null 2>"$folder/browser.log"
# A group of its own, so that all of it can be ended and this not. Where there is no setsid, the browser ends its own processes.
if command -v setsid >/dev/null; then
    setsid "$@" 5<&- &
    browser=$! all=-$!
else
    "$@" 5<&- &
    browser=$! all=$!
fi
trap '' PIPE HUP INT TERM
exec 3<&- 4>&-
# Nothing is ever written there: this returns when nobody holds it any more.
read -r _ <&5
tries=0
while kill -s 0 -- "$all" 2>/dev/null; do
    # It ends by itself, since its pipes are closed, and then leaves nothing half written. Then it is asked, then made to.
    case $tries in
    20) kill -s TERM -- "$all" 2>/dev/null ;;
    40) kill -s KILL -- "$all" 2>/dev/null ;;
    80) break ;;
    esac
    tries=$((tries + 1))
    sleep 0.05
done
wait "$browser" 2>/dev/null
# What writes while the folder goes would keep it: then once more.
rm -rf "$folder" 2>/dev/null || { sleep 0.2; rm -rf "$folder"; }
