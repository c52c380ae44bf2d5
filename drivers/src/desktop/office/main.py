

# The way in.

COLOURS = ("color", "background", "highlight", "fill")


def answer(line):
    try:
        asked = json.loads(line)
        function = CALLS.get(asked["call"])
        if function is None:
            return {"refused": "there is no such call here"}
        arguments = asked["arguments"]
        # Before anything is changed.
        for name in COLOURS:
            if name in arguments:
                colour(arguments[name])
        told = function(arguments)
        return {"told": told}
    except Refused as refused:
        return {"refused": why(refused)}
    except Exception as error:
        return {"failed": why(error)}


def serve(stream):
    """Answers calls until the other side is gone: that is noticed in the middle of a call, too."""
    lines = []
    is_there = threading.Condition()

    def listen():
        reader = stream.makefile("r", encoding="utf-8", newline="\n")
        for line in reader:
            with is_there:
                lines.append(line)
                is_there.notify()
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        with is_there:
            while not lines:
                is_there.wait()
            line = lines.pop(0)
        told = json.dumps(answer(line), ensure_ascii=True, default=str)
        stream.sendall(told.encode("ascii") + b"\n")


def begin(path, connection):
    global OFFICE, uno
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        import uno
    except ImportError:
        tried = int(os.environ.get("TAPWRIGHT_PYTHON", "0"))
        for at, python in enumerate(PYTHONS[tried:], tried + 1):
            if os.access(python, os.X_OK):
                os.environ["TAPWRIGHT_PYTHON"] = str(at)
                os.execv(python, [python, "-I", os.path.abspath(sys.argv[0]), path, connection])
        stream.connect(path)
        stream.sendall(json.dumps({"lacks": "python3-uno"}).encode("ascii") + b"\n")
        return
    stream.connect(path)
    stream.sendall(b'{"ready": null}\n')
    OFFICE = Office(connection)
    serve(stream)


if __name__ == "__main__":
    begin(sys.argv[1], sys.argv[2])
