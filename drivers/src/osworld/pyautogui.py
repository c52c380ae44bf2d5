"""The functions of pyautogui that set-up steps of OSWorld and agents use, over XTest: pointer, buttons, wheel and keys.

It is no copy of that package, only its names. A key or a character that the keyboard lacks is an error here and not left out silently.
"""

import ctypes
import time as _time
from contextlib import contextmanager

FAILSAFE = False
PAUSE = 0.1
MINIMUM_DURATION = 0.1

_x = ctypes.CDLL("libX11.so.6")
_xtst = ctypes.CDLL("libXtst.so.6")
_x.XOpenDisplay.restype = ctypes.c_void_p
_x.XOpenDisplay.argtypes = [ctypes.c_char_p]
_x.XKeysymToKeycode.restype = ctypes.c_ubyte
_x.XKeysymToKeycode.argtypes = [ctypes.c_void_p, ctypes.c_ulong]
_x.XkbKeycodeToKeysym.restype = ctypes.c_ulong
_x.XkbKeycodeToKeysym.argtypes = [ctypes.c_void_p, ctypes.c_ubyte, ctypes.c_int, ctypes.c_int]
_x.XDefaultRootWindow.restype = ctypes.c_ulong
_x.XDefaultRootWindow.argtypes = [ctypes.c_void_p]
_x.XSync.argtypes = [ctypes.c_void_p, ctypes.c_int]
_x.XQueryPointer.argtypes = [ctypes.c_void_p, ctypes.c_ulong] + [ctypes.c_void_p] * 7
_x.XDisplayWidth.argtypes = _x.XDisplayHeight.argtypes = [ctypes.c_void_p, ctypes.c_int]
_xtst.XTestFakeKeyEvent.argtypes = [ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_ulong]
_xtst.XTestFakeButtonEvent.argtypes = [ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_ulong]
_xtst.XTestFakeMotionEvent.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_ulong]

_display = _x.XOpenDisplay(None)
if not _display:
    raise OSError("there is no display: DISPLAY does not name one that lets us in")

_KEYS = {
    "backspace": 0xFF08, "tab": 0xFF09, "enter": 0xFF0D, "return": 0xFF0D, "\n": 0xFF0D, "\r": 0xFF0D, "\t": 0xFF09,
    "pause": 0xFF13, "scrolllock": 0xFF14, "esc": 0xFF1B, "escape": 0xFF1B, "home": 0xFF50, "left": 0xFF51, "up": 0xFF52,
    "right": 0xFF53, "down": 0xFF54, "pageup": 0xFF55, "pgup": 0xFF55, "pagedown": 0xFF56, "pgdn": 0xFF56, "end": 0xFF57,
    "printscreen": 0xFF61, "prntscrn": 0xFF61, "print": 0xFF61, "insert": 0xFF63, "apps": 0xFF67, "menu": 0xFF67,
    "numlock": 0xFF7F, "shift": 0xFFE1, "shiftleft": 0xFFE1, "shiftright": 0xFFE2, "ctrl": 0xFFE3, "ctrlleft": 0xFFE3,
    "ctrlright": 0xFFE4, "capslock": 0xFFE5, "alt": 0xFFE9, "altleft": 0xFFE9, "altright": 0xFFEA, "option": 0xFFE9,
    "win": 0xFFEB, "winleft": 0xFFEB, "winright": 0xFFEC, "super": 0xFFEB, "command": 0xFFEB, "delete": 0xFFFF, "del": 0xFFFF,
    "space": 0x20, "add": 0xFFAB, "subtract": 0xFFAD, "multiply": 0xFFAA, "divide": 0xFFAF, "decimal": 0xFFAE,
    "volumedown": 0x1008FF11, "volumemute": 0x1008FF12, "volumeup": 0x1008FF13, "playpause": 0x1008FF14,
}
_KEYS.update({"f%d" % number: 0xFFBD + number for number in range(1, 25)})
_KEYS.update({"num%d" % number: 0xFFB0 + number for number in range(10)})
KEYBOARD_KEYS = KEY_NAMES = sorted(_KEYS)
_SHIFT = 0xFFE1
_BUTTONS = {"left": 1, "middle": 2, "right": 3, "primary": 1, "secondary": 3, 1: 1, 2: 2, 3: 3}


class PyAutoGUIException(Exception):
    pass


class FailSafeException(PyAutoGUIException):
    pass


def _sync(pause=None):
    _x.XSync(_display, 0)
    _time.sleep(PAUSE if pause is None else pause)


def _code(key):
    """The key's number, and whether Shift is held for it."""
    name = key if len(key) == 1 else key.lower()
    if name in _KEYS:
        symbol = _KEYS[name]
    elif len(key) == 1:
        point = ord(key)
        symbol = point if point < 0x100 else 0x01000000 + point
    else:
        raise ValueError("there is no key %r" % key)
    code = _x.XKeysymToKeycode(_display, symbol)
    if not code:
        raise ValueError("no key of this keyboard types %r: put the text on the clipboard and paste it" % key)
    is_shifted = len(key) == 1 and _x.XkbKeycodeToKeysym(_display, code, 0, 0) != symbol
    if is_shifted and _x.XkbKeycodeToKeysym(_display, code, 0, 1) != symbol:
        raise ValueError("no key of this keyboard types %r: put the text on the clipboard and paste it" % key)
    return code, is_shifted


def _key(key, is_down):
    code, is_shifted = _code(key)
    if is_shifted:
        shift = _x.XKeysymToKeycode(_display, _SHIFT)
        _xtst.XTestFakeKeyEvent(_display, shift, 1, 0)
    _xtst.XTestFakeKeyEvent(_display, code, int(is_down), 0)
    if is_shifted:
        _xtst.XTestFakeKeyEvent(_display, shift, 0, 0)
    _x.XSync(_display, 0)


def isValidKey(key):
    try:
        _code(key)
        return True
    except ValueError:
        return False


def keyDown(key, logScreenshot=None, _pause=True):
    _key(key, True)
    _sync(None if _pause else 0)


def keyUp(key, logScreenshot=None, _pause=True):
    _key(key, False)
    _sync(None if _pause else 0)


def _names(keys):
    return [keys] if isinstance(keys, str) else list(keys)


def press(keys, presses=1, interval=0.0, logScreenshot=None, _pause=True):
    for _ in range(int(presses)):
        for key in _names(keys):
            _key(key, True)
            _key(key, False)
        _time.sleep(interval)
    _sync(None if _pause else 0)


def hotkey(*keys, interval=0.0, logScreenshot=None, _pause=True, **_):
    names = _names(keys[0]) if len(keys) == 1 else list(keys)
    for key in names:
        _code(key)
    for key in names:
        _key(key, True)
        _time.sleep(interval)
    for key in reversed(names):
        _key(key, False)
        _time.sleep(interval)
    _sync(None if _pause else 0)


@contextmanager
def hold(keys, logScreenshot=None, _pause=True):
    for key in _names(keys):
        _key(key, True)
    try:
        yield
    finally:
        for key in reversed(_names(keys)):
            _key(key, False)


def typewrite(message, interval=0.0, logScreenshot=None, _pause=True):
    for key in message:
        _code(key)
    for key in message:
        _key(key, True)
        _key(key, False)
        _time.sleep(interval)
    _sync(None if _pause else 0)


write = typewrite


def size():
    return (_x.XDisplayWidth(_display, 0), _x.XDisplayHeight(_display, 0))


resolution = size


def position(x=None, y=None):
    numbers = [ctypes.c_ulong(), ctypes.c_ulong()] + [ctypes.c_int() for _ in range(4)] + [ctypes.c_uint()]
    _x.XQueryPointer(_display, _x.XDefaultRootWindow(_display), *[ctypes.addressof(number) for number in numbers])
    return (numbers[2].value if x is None else int(x), numbers[3].value if y is None else int(y))


def onScreen(x, y=None):
    x, y = (x[0], x[1]) if y is None else (x, y)
    return 0 <= x < size()[0] and 0 <= y < size()[1]


def _place(x, y):
    if isinstance(x, (tuple, list)):
        x, y = x[0], x[1]
    return position(x, y)


def _move(to, duration=0.0):
    from_x, from_y = position()
    steps = max(1, int(duration / 0.02))
    for step in range(1, steps + 1):
        x = from_x + (to[0] - from_x) * step / steps
        y = from_y + (to[1] - from_y) * step / steps
        _xtst.XTestFakeMotionEvent(_display, -1, round(x), round(y), 0)
        _x.XSync(_display, 0)
        if steps > 1:
            _time.sleep(0.02)


def moveTo(x=None, y=None, duration=0.0, tween=None, logScreenshot=False, _pause=True):
    _move(_place(x, y), duration)
    _sync(None if _pause else 0)


def moveRel(xOffset=0, yOffset=0, duration=0.0, tween=None, logScreenshot=False, _pause=True):
    x, y = position()
    moveTo(x + (xOffset or 0), y + (yOffset or 0), duration, _pause=_pause)


move = moveRel


def _button(button, is_down):
    if button not in _BUTTONS:
        raise PyAutoGUIException("there is no button %r" % (button,))
    _xtst.XTestFakeButtonEvent(_display, _BUTTONS[button], int(is_down), 0)
    _x.XSync(_display, 0)


def mouseDown(x=None, y=None, button="left", duration=0.0, tween=None, logScreenshot=None, _pause=True):
    _move(_place(x, y), duration)
    _button(button, True)
    _sync(None if _pause else 0)


def mouseUp(x=None, y=None, button="left", duration=0.0, tween=None, logScreenshot=None, _pause=True):
    _move(_place(x, y), duration)
    _button(button, False)
    _sync(None if _pause else 0)


def click(x=None, y=None, clicks=1, interval=0.0, button="left", duration=0.0, tween=None, logScreenshot=None, _pause=True):
    _move(_place(x, y), duration)
    for _ in range(int(clicks)):
        _button(button, True)
        _button(button, False)
        _time.sleep(interval)
    _sync(None if _pause else 0)


def leftClick(x=None, y=None, **how):
    click(x, y, button="left", **how)


def rightClick(x=None, y=None, **how):
    click(x, y, button="right", **how)


def middleClick(x=None, y=None, **how):
    click(x, y, button="middle", **how)


def doubleClick(x=None, y=None, interval=0.0, button="left", **how):
    click(x, y, clicks=2, interval=interval, button=button, **how)


def tripleClick(x=None, y=None, interval=0.0, button="left", **how):
    click(x, y, clicks=3, interval=interval, button=button, **how)


def dragTo(x=None, y=None, duration=0.0, tween=None, button="left", logScreenshot=None, _pause=True, mouseDownUp=True):
    if mouseDownUp:
        _button(button, True)
    _time.sleep(0.05)
    _move(_place(x, y), max(duration, 0.1))
    _time.sleep(0.05)
    if mouseDownUp:
        _button(button, False)
    _sync(None if _pause else 0)


def dragRel(xOffset=0, yOffset=0, duration=0.0, tween=None, button="left", logScreenshot=None, _pause=True, mouseDownUp=True):
    x, y = position()
    dragTo(x + (xOffset or 0), y + (yOffset or 0), duration, None, button, None, _pause, mouseDownUp)


drag = dragRel


def _turn(clicks, x, y, back, forth):
    if x is not None or y is not None:
        _move(_place(x, y))
    for _ in range(abs(int(clicks))):
        for is_down in (1, 0):
            _xtst.XTestFakeButtonEvent(_display, forth if clicks > 0 else back, is_down, 0)
    _sync()


def scroll(clicks, x=None, y=None, logScreenshot=None, _pause=True):
    _turn(clicks, x, y, 5, 4)


vscroll = scroll


def hscroll(clicks, x=None, y=None, logScreenshot=None, _pause=True):
    _turn(clicks, x, y, 6, 7)


def sleep(seconds):
    _time.sleep(seconds)


def __getattr__(name):
    raise AttributeError("the pyautogui of this desktop has no %s: it has pointer, wheel and keys" % name)
