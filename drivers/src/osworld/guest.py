# Runs on a machine that is driven over its control server: one request, as JSON in the first argument; one answer, as JSON in the last
# line. Nothing is done before what a request expects is there, and whatever it presses it lets go, however it ends.
import fcntl, json, os, sys, time


def say(**answer):
    sys.stdout.write("\n" + json.dumps(answer) + "\n")
    sys.stdout.flush()
    os._exit(0)


try:
    from Xlib import X, display, error
    from Xlib.ext import xtest
    from Xlib.protocol import event
except ImportError as why:
    say(missing=str(why))

REQUEST = json.loads(sys.argv[1])
WINDOWS, TOPS, WORDS, DEPTH = 256, 512, 200, 32
CAPS_LOCK, RETURN = 0xFFE5, 0xFF0D
SPARE_KEYS = "_TAPWRIGHT_GUEST_KEYS"
try:
    d = display.Display()
except Exception as why:
    say(refused="no X server lets this user in (DISPLAY is %r): %s" % (os.environ.get("DISPLAY"), why))
screen = d.screen()
root = screen.root


def atom(name):
    return d.intern_atom(name)


def value(window, name, count=WINDOWS):
    try:
        found = window.get_property(atom(name), X.AnyPropertyType, 0, count)
    except error.XError:
        return None
    return found.value if found is not None else None


def numbers(window, name):
    found = value(window, name)
    return [] if found is None or isinstance(found, (str, bytes)) else [int(number) for number in found]


def raw(window, name):
    found = value(window, name)
    if isinstance(found, str):
        return found.encode("latin-1", "replace")
    return bytes(found) if isinstance(found, bytes) else b""


def words(data):
    text = data.decode("utf-8", "replace")
    return "".join(" " if ord(letter) < 32 or 127 <= ord(letter) < 160 else letter for letter in text)[:WORDS]


def window_of(number):
    return d.create_resource_object("window", number)


def classes(window):
    parts = [words(part) for part in raw(window, "WM_CLASS").split(b"\0") if part]
    return (parts[0], parts[1] if len(parts) > 1 else parts[0]) if parts else None


def program(process):
    try:
        name = os.path.basename(os.readlink("/proc/%d/exe" % process))
        return words(name.replace(" (deleted)", "").encode("utf-8", "replace"))
    except OSError:
        return None


def active():
    number = (numbers(root, "_NET_ACTIVE_WINDOW") or [0])[0]
    if number and atom("_NET_WM_WINDOW_TYPE_DESKTOP") not in numbers(window_of(number), "_NET_WM_WINDOW_TYPE"):
        return number
    return 0


def parent(window):
    try:
        return window.query_tree().parent
    except error.XError:
        return 0


def frame(number):
    at = window_of(number)
    for _ in range(DEPTH):
        above = parent(at)
        if not above or above == root:
            break
        at = above
    return at.id


def stack():
    owners = {}
    for number in numbers(root, "_NET_CLIENT_LIST"):
        owners[frame(number)] = (numbers(window_of(number), "_NET_WM_PID") or [0])[0]
    found = []
    for top in root.query_tree().children[-TOPS:]:
        try:
            attributes, at = top.get_attributes(), top.get_geometry()
        except error.XError:
            continue  # It is gone.
        if attributes.map_state == X.IsViewable and attributes.win_class == X.InputOutput:
            edge = 2 * at.border_width
            owner = owners.get(top.id) or (numbers(top, "_NET_WM_PID") or [0])[0]
            found.append([top.id, at.x, at.y, at.width + edge, at.height + edge, owner])
    return found


def lying_at(x, y):
    return [top[:5] for top in reversed(stack()) if top[1] <= x < top[1] + top[3] and top[2] <= y < top[2] + top[4]]


def windows():
    found = []
    front = active()
    others = [atom("_NET_WM_WINDOW_TYPE_" + kind) for kind in ("DESKTOP", "DOCK", "SPLASH")]
    listed = numbers(root, "_NET_CLIENT_LIST_STACKING") or numbers(root, "_NET_CLIENT_LIST")
    for number in listed:
        window = window_of(number)
        try:
            at, place = window.get_geometry(), window.translate_coords(root, 0, 0)
        except error.XError:
            continue
        if set(numbers(window, "_NET_WM_WINDOW_TYPE")) & set(others):
            continue
        instance, kind = classes(window) or ("", "")
        process = (numbers(window, "_NET_WM_PID") or [0])[0]
        found.append({
            "id": number, "title": words(raw(window, "_NET_WM_NAME") or raw(window, "WM_NAME")),
            "instance": instance, "class": kind, "program": program(process) if process else None, "process": process,
            "area": [-place.x, -place.y, at.width, at.height], "is_active": number == front,
            "is_hidden": atom("_NET_WM_STATE_HIDDEN") in numbers(window, "_NET_WM_STATE"),
        })
    return found


def look():
    pointer = root.query_pointer()
    now = root.get_geometry()  # The display's own numbers are those of its start.
    return {"size": [now.width, now.height], "windows": windows(), "stack": stack(),
            "pointer": [pointer.root_x, pointer.root_y]}


def menu():
    home = os.path.expanduser("~")
    folders = [os.environ.get("XDG_DATA_HOME") or home + "/.local/share"]
    folders += (os.environ.get("XDG_DATA_DIRS") or "").split(":")
    folders += ["/usr/local/share", "/usr/share", "/var/lib/snapd/desktop", "/var/lib/flatpak/exports/share"]
    keys = ("Type", "Name", "GenericName", "StartupWMClass", "Exec", "Terminal", "NoDisplay", "Hidden")
    found = {}
    for folder in [folder + "/applications" for folder in folders if folder]:
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            continue
        for name in names:
            if not name.endswith(".desktop") or name in found or len(found) == 2000:
                continue
            try:
                with open(os.path.join(folder, name), "rb") as file:
                    text = file.read(256 << 10).decode("utf-8", "replace")
            except OSError:
                continue
            kept, is_main = ["[Desktop Entry]"], False
            for line in text.splitlines():
                if line.strip().startswith("["):
                    is_main = line.strip() == "[Desktop Entry]"
                elif is_main and line.split("=")[0].split("[")[0].strip() in keys:
                    kept.append(line[:1000])
            found[name] = "\n".join(kept)
    return [[name[: -len(".desktop")], text] for name, text in found.items()]


def ask_manager(window, kind, data):
    mask = X.SubstructureRedirectMask | X.SubstructureNotifyMask
    root.send_event(event.ClientMessage(window=window, client_type=atom(kind), data=(32, data)), event_mask=mask)
    d.sync()


def wait(done, seconds):
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.005)
    return done()


def change_window(number, change):
    window = window_of(number)
    if number not in numbers(root, "_NET_CLIENT_LIST"):
        say(stale=True)
    both = [atom("_NET_WM_STATE_MAXIMIZED_HORZ"), atom("_NET_WM_STATE_MAXIMIZED_VERT"), 2]
    if change == "close":
        ask_manager(window, "_NET_CLOSE_WINDOW", [X.CurrentTime, 2, 0, 0, 0])
    elif change == "minimize":
        ask_manager(window, "WM_CHANGE_STATE", [3, 0, 0, 0, 0])
    elif change in ("maximize", "restore"):
        ask_manager(window, "_NET_WM_STATE", [1 if change == "maximize" else 0] + both + [0])
    if change in ("activate", "maximize", "restore"):
        ask_manager(window, "_NET_ACTIVE_WINDOW", [2, X.CurrentTime, 0, 0, 0])
        if not wait(lambda: active() == number, 0.5):
            # A window that opened while the desktop was shown is kept back by some managers until its desktop is gone to, as wmctrl does.
            desktop = (numbers(window, "_NET_WM_DESKTOP") or [0])[0]
            ask_manager(root, "_NET_SHOWING_DESKTOP", [0, 0, 0, 0, 0])
            if desktop != 0xFFFFFFFF:
                ask_manager(root, "_NET_CURRENT_DESKTOP", [desktop, X.CurrentTime, 0, 0, 0])
            ask_manager(window, "_NET_ACTIVE_WINDOW", [2, X.CurrentTime, 0, 0, 0])
            window.map()
            window.configure(stack_mode=X.Above)
            d.sync()
            wait(lambda: active() == number, 2)


def show_desktop():
    if not numbers(root, "_NET_SUPPORTING_WM_CHECK"):
        say(refused="no window manager is there that could show the desktop")
    ask_manager(root, "_NET_SHOWING_DESKTOP", [1, 0, 0, 0, 0])
    if not wait(lambda: numbers(root, "_NET_SHOWING_DESKTOP") == [1], 2):
        say(refused="the window manager does not show the desktop")


class Keys:
    """The keyboard, with keys without a meaning that are borrowed for characters which no key of it types."""

    def __init__(self):
        info = d.display.info
        self.first, self.count = info.min_keycode, info.max_keycode - info.min_keycode + 1
        self.give_back(numbers(root, SPARE_KEYS))  # What a program that was killed has borrowed.
        self.read()
        self.borrowed = {}

    def read(self):
        self.layout = d.get_keyboard_mapping(self.first, self.count)
        self.group = root.query_pointer().mask >> 13 & 3

    def natural(self, symbol):
        for level in (0, 1):
            column = 2 * self.group + level
            for at, symbols in enumerate(self.layout):
                if self.group < 2 and column < len(symbols) and symbols[column] == symbol:
                    return self.first + at, level == 1
        return None

    def spare(self):
        return [self.first + at for at, symbols in enumerate(self.layout) if not any(symbols)]

    def note(self):
        root.change_property(atom(SPARE_KEYS), atom("CARDINAL"), 32, sorted(set(self.borrowed.values())))

    def borrow(self, symbols):
        """Gives as many of the symbols a key as there are spare ones; those that have one keep it."""
        wanted = []
        for symbol in symbols:
            if symbol not in wanted and symbol not in self.borrowed and not self.natural(symbol):
                wanted.append(symbol)
        if not wanted:
            return
        free = [code for code in self.spare() if code not in self.borrowed.values()]
        if not free:
            self.was_read()
            self.give_back(self.borrowed.values())
            self.borrowed, free = {}, self.spare()
        if not free:
            say_late(refused="the keyboard has no key to spare for U+%04X" % (wanted[0] & 0xFFFFFF))
        for symbol, code in zip(wanted, free):
            self.borrowed[symbol] = code
        self.note()
        for symbol, code in zip(wanted, free):
            d.change_keyboard_mapping(code, [[symbol] * len(self.layout[0])])
        d.sync()
        time.sleep(0.05)  # Programs read the layout anew.

    def give_back(self, codes):
        codes = [code for code in codes if self.first <= code < self.first + self.count]
        for code in codes:
            d.change_keyboard_mapping(code, [[0] * 4])
        if codes:
            d.sync()

    def was_read(self):
        """Waits until the program with the focus has read all keys, which it shows by answering after them."""
        window = owner_of_focus()
        if window is None or atom("_NET_WM_PING") not in numbers(window, "WM_PROTOCOLS"):
            d.sync()
            time.sleep(0.15)
            return
        mark = int(time.time() * 1000) & 0x7FFFFFFF
        root.change_attributes(event_mask=X.SubstructureNotifyMask)
        data = [atom("_NET_WM_PING"), mark, window.id, 0, 0]
        window.send_event(event.ClientMessage(window=window, client_type=atom("WM_PROTOCOLS"), data=(32, data)))
        d.sync()

        def has_answered():
            while d.pending_events():
                news = d.next_event()
                if news.type == X.ClientMessage and news.data[0] == 32 and news.data[1][1] == mark:
                    return True
            return False

        end = time.monotonic() + 3
        while not has_answered() and time.monotonic() < end:
            time.sleep(0.003)
        root.change_attributes(event_mask=0)

    def close(self):
        if self.borrowed:
            self.was_read()
            self.give_back(self.borrowed.values())
            self.borrowed = {}
            root.delete_property(atom(SPARE_KEYS))
            d.sync()

    def code(self, symbol):
        return self.natural(symbol) or (self.borrowed.get(symbol), False)


def focus():
    found = d.get_input_focus().focus
    return found if isinstance(found, int) else found.id


def owner_of_focus():
    at = d.get_input_focus().focus
    for _ in range(DEPTH):
        if isinstance(at, int) or at == root:
            return None
        if classes(at):
            return at
        at = parent(at)
    return None


def fake(kind, detail, **place):
    xtest.fake_input(d, kind, detail, **place)


class Hands:
    """What is pressed, so that it is let go."""

    def __init__(self):
        self.keys, self.pressed_keys, self.pressed_buttons = Keys(), [], []
        self.goes_to = REQUEST.get("focus")
        self.typed = 0
        mapped = d.get_pointer_mapping()
        self.button_of = {logical: at + 1 for at, logical in reversed(list(enumerate(mapped)))}

    def let_go_of_strays(self):
        """What somebody was killed over, or has left pressed, would make another thing of all that follows."""
        mask = root.query_pointer().mask
        for button in (1, 2, 3):
            if mask & (X.Button1Mask << (button - 1)):
                fake(X.ButtonRelease, button)
        down = d.query_keymap()
        for codes in d.get_modifier_mapping():
            for code in codes:
                if code and down[code // 8] & 1 << code % 8:
                    fake(X.KeyRelease, code)

    def button(self, number):
        if number not in self.button_of:
            say_late(refused="this pointer has no button %d" % number)
        return self.button_of[number]

    def key(self, kind, code):
        (self.pressed_keys.append if kind == X.KeyPress else self.pressed_keys.remove)(code)
        fake(kind, code)

    def press_key(self, symbol):
        code, is_shifted = self.keys.code(symbol)
        shift = self.keys.natural(0xFFE1) if is_shifted else None
        is_held = shift is not None and shift[0] in self.pressed_keys
        if shift and not is_held:
            self.key(X.KeyPress, shift[0])
        self.key(X.KeyPress, code)
        self.key(X.KeyRelease, code)
        if shift and not is_held:
            self.key(X.KeyRelease, shift[0])

    def text(self, symbols):
        if self.goes_to is None:
            self.goes_to = focus()
        caps = self.keys.natural(CAPS_LOCK) if root.query_pointer().mask & X.LockMask else None
        if caps:
            self.press_key(CAPS_LOCK)
            d.sync()
            self.keys.read()
        try:
            for at, symbol in enumerate(symbols):
                if at % 50 == 0 and focus() != self.goes_to:
                    say_late(stopped=self.typed)
                if not self.keys.natural(symbol) and symbol not in self.keys.borrowed:
                    self.keys.borrow(symbols[at:])
                self.press_key(symbol)
                self.typed += 1
        finally:
            if caps:
                self.press_key(CAPS_LOCK)
        d.sync()

    def step(self, kind, *what):
        if kind == "move":
            fake(X.MotionNotify, 0, root=root, x=what[0], y=what[1])
        elif kind == "press":
            self.pressed_buttons.append(self.button(what[0]))
            fake(X.ButtonPress, self.pressed_buttons[-1])
        elif kind == "release":
            self.pressed_buttons.remove(self.button(what[0]))
            fake(X.ButtonRelease, self.button(what[0]))
        elif kind == "hold":
            self.keys.borrow([what[0]])
            self.key(X.KeyPress, self.keys.code(what[0])[0])
        elif kind == "free":
            self.key(X.KeyRelease, self.keys.code(what[0])[0])
        elif kind == "key":
            self.keys.borrow([what[0]])
            self.press_key(what[0])
        elif kind == "text":
            self.text(what[0])
        elif kind == "clear":
            window = owner_of_focus()
            is_terminal = window is not None and classes(window)[1].lower() in what[0]
            control = self.keys.code(0xFFE3)[0]
            self.key(X.KeyPress, control)
            self.press_key(ord("u" if is_terminal else "a"))
            self.key(X.KeyRelease, control)
            if what[1] and not is_terminal:
                self.press_key(0xFF08)
        elif kind == "sleep":
            d.sync()
            time.sleep(what[0])

    def close(self):
        for code in reversed(self.pressed_keys):
            fake(X.KeyRelease, code)
        for button in reversed(self.pressed_buttons):
            fake(X.ButtonRelease, button)
        d.sync()
        self.keys.close()


class Late(Exception):
    """An answer that is given once everything is let go."""


def say_late(**answer):
    raise Late(answer)


def act():
    take_turn()
    size = root.get_geometry()
    if REQUEST["size"] is not None and [size.width, size.height] != REQUEST["size"]:
        say(stale=True)
    for place, over in REQUEST["expect"]:
        if lying_at(*place) != over:
            say(stale=True)
    hands = Hands()
    answer = {}
    try:
        hands.let_go_of_strays()
        for step in REQUEST["steps"]:
            hands.step(*step)
    except Late as late:
        answer = late.args[0]
    finally:
        hands.close()
    say(focus=hands.goes_to, typed=hands.typed, **answer)


def take_turn():
    """An action whose asker has gone away may still be under way."""
    folder = os.environ.get("XDG_RUNTIME_DIR") or "/tmp"
    try:
        path = os.path.join(folder, "tapwright-%d.lock" % os.getuid())
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        return
    end = time.monotonic() + REQUEST["turn"]
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > end:
                say(refused="an earlier action is still under way on the machine; nothing was done")
            time.sleep(0.01)


try:
    if REQUEST["do"] == "look":
        say(look=look())
    elif REQUEST["do"] == "menu":
        say(menu=menu())
    elif REQUEST["do"] == "window":
        take_turn()
        change_window(REQUEST["window"], REQUEST["change"])
        say(done=True)
    elif REQUEST["do"] == "desktop":
        take_turn()
        show_desktop()
        say(done=True)
    elif REQUEST["do"] == "act":
        act()
    say(refused="there is no %r" % REQUEST["do"])
except error.ConnectionClosedError:
    say(lost="the X server has ended")
