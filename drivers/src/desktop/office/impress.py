

# Presentations: documents of Impress.

# LibreOffice's numbers of them, and how many texts each has places for.
LAYOUTS = {"title": (0, 2), "title_content": (1, 2), "two_content": (3, 3), "title_only": (19, 1), "blank": (20, 0), "centered": (32, 1)}


def presentation():
    return OFFICE.document(KINDS["impress"], "presentation")


def slide_numbered(document, number):
    pages = document.DrawPages
    if number is None:
        page = document.CurrentController.CurrentPage
        # While notes are looked at this is the page of the notes.
        return pages.getByIndex(page.Number - 1)
    if not 1 <= number <= pages.Count:
        raise Refused("there is no slide %d; there are %d" % (number, pages.Count))
    return pages.getByIndex(number - 1)


def shape_numbered(page, number):
    if not 1 <= number <= page.Count:
        raise Refused("slide %d has no shape %d; it has %d" % (page.Number, number, page.Count))
    return page.getByIndex(number - 1)


def shape_with_text(page, number):
    shape = shape_numbered(page, number)
    if not hasattr(shape, "setString"):
        raise Refused("shape %d is a %s and holds no text" % (number, shape.ShapeType.rsplit(".", 1)[-1]))
    return shape


def notes_of(page):
    for shape in items_of(page.NotesPage, 50):
        if shape.ShapeType == "com.sun.star.presentation.NotesShape":
            return shape
    raise Refused("this slide has no place for notes")


def describe_shape(number, shape):
    at, size = shape.Position, shape.Size
    told = {"shape": number, "kind": shape.ShapeType.rsplit(".", 1)[-1]}
    if shape.Name:
        told["name"] = clip(shape.Name, 100)
    if hasattr(shape, "String"):
        # What a placeholder asks for is no text.
        told["text"] = "" if getattr(shape, "IsEmptyPresentationObject", False) else clip(shape.String, 2000)
    told.update({"x_mm": at.X // MM, "y_mm": at.Y // MM, "width_mm": size.Width // MM, "height_mm": size.Height // MM})
    return told


@call("impress.read")
def impress_read(arguments):
    document = presentation()
    pages = document.DrawPages
    told = {"slides": pages.Count, "current": slide_numbered(document, None).Number, "content": []}
    wanted = [slide_numbered(document, arguments["slide"])] if "slide" in arguments else list(items_of(pages, 500))
    size = 0
    for page in wanted:
        entry = {"slide": page.Number, "name": clip(page.Name, 100), "shapes": [describe_shape(nth, shape) for nth, shape in enumerate(items_of(page, 100), 1)]}
        try:
            notes = notes_of(page)
            if notes.String and not notes.IsEmptyPresentationObject:
                entry["notes"] = clip(notes.String, 2000)
        except Refused:
            pass
        size += len(json.dumps(entry, ensure_ascii=False))
        if told["content"] and size > TOLD_MAX:
            told["more_from"] = page.Number
            break
        told["content"].append(entry)
    return told


@call("impress.go_to")
def impress_go_to(arguments):
    document = presentation()
    document.CurrentController.setCurrentPage(slide_numbered(document, arguments["slide"]))
    return {"current": arguments["slide"]}


@call("impress.add_slide")
def impress_add_slide(arguments):
    document = presentation()
    pages = document.DrawPages
    # It is put behind the one with this index.
    behind = min(arguments.get("position", pages.Count + 1) - 2, pages.Count - 1)
    texts = [arguments.get("title"), arguments.get("text")]
    layout, places = LAYOUTS[arguments.get("layout", "title_content")]
    if sum(text is not None for text in texts) > places:
        raise Refused("this layout has no place for a title and a text; impress.text_box writes anywhere")
    with change(document, "Add a slide"):
        page = pages.insertNewByIndex(max(behind, 0))
        if behind < 0 and not put_slide(document, page, 0):
            raise RuntimeError("the slide is there, but not the first: slides are moved in the normal view only")
        page.Layout = layout
        filled = [shape for shape in items_of(page, 20) if hasattr(shape, "setString")]
        # A text without a title goes where a title would, if that is the only place.
        for shape, text in zip(filled, texts if places > 1 else [text for text in texts if text is not None]):
            if text is not None:
                shape.setString(text)
    return {"slide": page.Number, "slides": pages.Count}


def put_slide(document, page, to):
    """Slides are moved by the command for people, a place at a time; whether it is where it should be."""
    controller = document.CurrentController
    controller.setCurrentPage(page)
    dispatcher = OFFICE.service("frame.DispatchHelper")
    for _ in range(document.DrawPages.Count):
        if page.Number - 1 == to:
            return True
        command = ".uno:MovePageUp" if page.Number - 1 > to else ".uno:MovePageDown"
        before = page.Number
        dispatcher.executeDispatch(controller.Frame, command, "", 0, ())
        if page.Number == before:
            return False
    return page.Number - 1 == to


@call("impress.duplicate_slide")
def impress_duplicate_slide(arguments):
    document = presentation()
    page = slide_numbered(document, arguments.get("slide"))
    with change(document, "Duplicate a slide"):
        copy = document.duplicate(page)
    return {"slide": copy.Number, "slides": document.DrawPages.Count}


@call("impress.move_slide")
def impress_move_slide(arguments):
    document = presentation()
    page = slide_numbered(document, arguments["slide"])
    if not 1 <= arguments["position"] <= document.DrawPages.Count:
        raise Refused("positions are 1 to %d" % document.DrawPages.Count)
    before = page.Number
    if not put_slide(document, page, arguments["position"] - 1):
        if page.Number != before:
            raise RuntimeError("the slide is number %d now" % page.Number)
        raise Refused("LibreOffice does not move slides in this view: change to the normal one")
    return {"slide": page.Number}


@call("impress.remove_slide")
def impress_remove_slide(arguments):
    document = presentation()
    page = slide_numbered(document, arguments["slide"])
    if document.DrawPages.Count == 1:
        raise Refused("it is the only slide, and a presentation has one at least")
    with change(document, "Remove a slide"):
        document.DrawPages.remove(page)
    return {"slides": document.DrawPages.Count}


@call("impress.write")
def impress_write(arguments):
    document = presentation()
    shape = shape_with_text(slide_numbered(document, arguments.get("slide")), arguments["shape"])
    with change(document, "Write text"):
        shape.setString(arguments["text"])
        set_where_known(shape, "IsEmptyPresentationObject", False)
    return {"shape": arguments["shape"]}


@call("impress.notes")
def impress_notes(arguments):
    document = presentation()
    notes = notes_of(slide_numbered(document, arguments.get("slide")))
    with change(document, "Write notes"):
        notes.setString(arguments["text"])
        set_where_known(notes, "IsEmptyPresentationObject", False)
    return {"notes": len(arguments["text"])}


@call("impress.format")
def impress_format(arguments):
    document = presentation()
    one_of(arguments, LETTERS + ("align", "fill"))
    page = slide_numbered(document, arguments.get("slide"))
    if "shape" in arguments:
        shapes = [shape_numbered(page, arguments["shape"])]
    else:
        shapes = [shape for shape in items_of(page, 200) if hasattr(shape, "setString")]
    with change(document, "Format"):
        for shape in shapes:
            if hasattr(shape, "createTextCursor"):
                cursor = shape.createTextCursor()
                cursor.gotoStart(False)
                cursor.gotoEnd(True)
                # Of the letters that are there, and of those that will be.
                for letters_of in (cursor, shape):
                    letters(letters_of, arguments)
                    if "align" in arguments:
                        letters_of.ParaAdjust = adjust(arguments["align"])
            if "fill" in arguments:
                fill(shape, colour(arguments["fill"]))
    return {"formatted": len(shapes)}


def fill(properties, value):
    properties.FillStyle = enum("drawing.FillStyle", "NONE" if value < 0 else "SOLID")
    if value >= 0:
        properties.FillColor = value


@call("impress.background")
def impress_background(arguments):
    document = presentation()
    pages = [slide_numbered(document, arguments["slide"])] if "slide" in arguments else list(items_of(document.DrawPages, 500))
    if ("color" in arguments) == ("path" in arguments):
        raise Refused("give either a color or the path of a picture")
    graphic = picture(arguments["path"])[0] if "path" in arguments else None
    with change(document, "Background"):
        for page in pages:
            background = document.createInstance("com.sun.star.drawing.Background")
            if graphic is not None:
                background.FillStyle = enum("drawing.FillStyle", "BITMAP")
                background.FillBitmap = graphic
                background.FillBitmapMode = enum("drawing.BitmapMode", "STRETCH")
            else:
                fill(background, colour(arguments["color"]))
            page.Background = background
    return {"slides": len(pages)}


def area(arguments, shape, page):
    """Where something is, with what is said of it in place of what it has."""
    at, size = new("awt.Point"), new("awt.Size")
    at.X = int(arguments["x_mm"] * MM) if "x_mm" in arguments else shape.Position.X
    at.Y = int(arguments["y_mm"] * MM) if "y_mm" in arguments else shape.Position.Y
    size.Width = int(arguments["width_mm"] * MM) if "width_mm" in arguments else shape.Size.Width
    size.Height = int(arguments["height_mm"] * MM) if "height_mm" in arguments else shape.Size.Height
    sideways = arguments.get("across")
    if sideways is not None:
        at.X = {"left": 0, "center": (page.Width - size.Width) // 2, "right": page.Width - size.Width}[sideways]
    upright = arguments.get("down")
    if upright is not None:
        at.Y = {"top": 0, "middle": (page.Height - size.Height) // 2, "bottom": page.Height - size.Height}[upright]
    shape.setSize(size)
    shape.setPosition(at)


@call("impress.place")
def impress_place(arguments):
    document = presentation()
    one_of(arguments, ("x_mm", "y_mm", "width_mm", "height_mm", "across", "down"))
    page = slide_numbered(document, arguments.get("slide"))
    shape = shape_numbered(page, arguments["shape"])
    with change(document, "Place a shape"):
        area(arguments, shape, page)
    return describe_shape(arguments["shape"], shape)


@call("impress.text_box")
def impress_text_box(arguments):
    document = presentation()
    page = slide_numbered(document, arguments.get("slide"))
    with change(document, "Insert a text"):
        shape = document.createInstance("com.sun.star.drawing.TextShape")
        page.add(shape)
        area({"x_mm": 20, "y_mm": 20, "width_mm": 120, "height_mm": 20, **arguments}, shape, page)
        shape.setString(arguments["text"])
    return describe_shape(page.Count, shape)


@call("impress.image")
def impress_image(arguments):
    document = presentation()
    page = slide_numbered(document, arguments.get("slide"))
    graphic, width, height = picture(arguments["path"])
    with change(document, "Insert a picture"):
        shape = document.createInstance("com.sun.star.drawing.GraphicObjectShape")
        page.add(shape)
        shape.Graphic = graphic
        shape.setSize(sides(arguments, width, height, page.Width // 2))
        area({"x_mm": 20, "y_mm": 20, **{key: value for key, value in arguments.items() if key != "width_mm"}}, shape, page)
    return describe_shape(page.Count, shape)


@call("impress.remove_shape")
def impress_remove_shape(arguments):
    document = presentation()
    page = slide_numbered(document, arguments.get("slide"))
    shape = shape_numbered(page, arguments["shape"])
    with change(document, "Remove a shape"):
        page.remove(shape)
    return {"shapes": page.Count}


@call("impress.orientation")
def impress_orientation(arguments):
    document = presentation()
    page = document.DrawPages.getByIndex(0)
    is_upright = arguments["orientation"] == "portrait"
    if (page.Height > page.Width) != is_upright:
        with change(document, "Orientation"):
            width, height = page.Width, page.Height
            for each in list(items_of(document.MasterPages, 100)) + list(items_of(document.DrawPages, 500)):
                each.Width, each.Height = height, width
    return {"width_mm": page.Width / MM, "height_mm": page.Height / MM}


@call("impress.slide_numbers")
def impress_slide_numbers(arguments):
    document = presentation()
    with change(document, "Slide numbers"):
        for page in items_of(document.DrawPages, 500):
            page.IsPageNumberVisible = bool(arguments.get("visible", True))
        for master in items_of(document.MasterPages, 100):
            for shape in items_of(master, 100):
                if shape.ShapeType == "com.sun.star.presentation.SlideNumberShape":
                    letters(shape, arguments)
                    if "align" in arguments:
                        shape.ParaAdjust = adjust(arguments["align"])
    return {"visible": bool(arguments.get("visible", True))}


@call("impress.presenter_console")
def impress_presenter_console(arguments):
    OFFICE.connect()
    provider = OFFICE.service("configuration.ConfigurationProvider")
    node = prop("nodepath", "/org.openoffice.Office.Impress/Misc/Start")
    access = provider.createInstanceWithArguments("com.sun.star.configuration.ConfigurationUpdateAccess", (node,))
    access.setPropertyValue("EnablePresenterScreen", bool(arguments["used"]))
    access.commitChanges()
    return {"used": bool(arguments["used"])}
