

# Texts: documents of Writer.

PARAGRAPHS_MAX = 20000


def text_document():
    return OFFICE.document(KINDS["writer"], "text")


def parts(document):
    """The paragraphs and tables of a text, in order."""
    for nth, part in enumerate(items(document.Text), 1):
        if nth > PARAGRAPHS_MAX:
            raise Refused("the text has more than %d paragraphs, which is more than is looked through" % PARAGRAPHS_MAX)
        yield nth, part


def is_table(part):
    return part.supportsService("com.sun.star.text.TextTable")


def paragraphs(document, arguments):
    """The paragraphs from `from` to `to`, both counted from 1, of all that there are."""
    first = arguments.get("from", 1)
    last = arguments.get("to", first if "from" in arguments else PARAGRAPHS_MAX)
    found, count = [], 0
    for nth, part in parts(document):
        count = nth
        if first <= nth <= last:
            found.append((nth, part))
    if not found:
        raise Refused("there is no paragraph %d; the text has %d" % (first, count))
    return found


def only_text(found):
    texts = [part for _, part in found if not is_table(part)]
    if not texts:
        raise Refused("this is a table: writer.read_table and writer.write_table are for it")
    return texts


def paragraph(document, number):
    return only_text(paragraphs(document, {"from": number}))[0]


@call("writer.read")
def writer_read(arguments):
    document = text_document()
    told, size, more = [], 0, None
    first = arguments.get("from", 1)
    count = 0
    for nth, part in parts(document):
        count = nth
        if nth < first or more is not None:
            continue
        if is_table(part):
            entry = {"n": nth, "table": part.Name, "rows": part.Rows.Count, "columns": part.Columns.Count}
        else:
            entry = {"n": nth, "style": part.ParaStyleName, "text": clip(part.String, 4000)}
        size += len(json.dumps(entry, ensure_ascii=False)) + 2
        if told and (size > TOLD_MAX or len(told) >= arguments.get("count", 500)):
            more = nth
            continue
        told.append(entry)
    answer = {"paragraphs": told, "of": count}
    if more is not None:
        answer["more_from"] = more
    return answer


def insertion(document, arguments):
    """A cursor where something is to be put."""
    at = arguments.get("at", "end")
    if "after" in arguments:
        cursor = document.Text.createTextCursorByRange(paragraph(document, arguments["after"]).End)
    elif at == "cursor":
        view = document.CurrentController.ViewCursor
        cursor = view.Text.createTextCursorByRange(view.End)
    elif at == "start":
        cursor = document.Text.createTextCursorByRange(document.Text.Start)
    else:
        cursor = document.Text.createTextCursorByRange(document.Text.End)
    return cursor


def insert_lines(cursor, text):
    """A line break is a paragraph."""
    for nth, line in enumerate(text.split("\n")):
        if nth:
            cursor.Text.insertControlCharacter(cursor, 0, False)
        cursor.Text.insertString(cursor, line, False)


def styles(document, name):
    found = document.StyleFamilies.getByName("ParagraphStyles")
    if not found.hasByName(name):
        like = [known for known in found.ElementNames if name.lower()[:4] in known.lower()]
        raise Refused("there is no paragraph style " + repr(name[:60]) + "; there are: " + ", ".join(like[:20] or list(found.ElementNames)[:20]))
    return name


@call("writer.write")
def writer_write(arguments):
    document = text_document()
    style = styles(document, arguments["style"]) if "style" in arguments else None
    with change(document, "Write text"):
        cursor = insertion(document, arguments)
        is_own = arguments.get("paragraph", "after" in arguments)
        is_filled = bool(document.Text.String) if is_own else False
        if is_own and is_filled and arguments.get("at") != "start":
            cursor.Text.insertControlCharacter(cursor, 0, False)
        mark = cursor.Text.createTextCursorByRange(cursor.Start)
        insert_lines(cursor, arguments["text"])
        mark.gotoRange(cursor.End, True)
        if is_own and is_filled and arguments.get("at") == "start":
            cursor.Text.insertControlCharacter(cursor, 0, False)
        if style is not None:
            mark.ParaStyleName = style
    return {"written": len(arguments["text"])}


@call("writer.set")
def writer_set(arguments):
    document = text_document()
    target = paragraph(document, arguments["paragraph"])
    with change(document, "Write a paragraph"):
        cursor = document.Text.createTextCursorByRange(target.Start)
        cursor.gotoRange(target.End, True)
        cursor.setString("")
        insert_lines(cursor, arguments["text"])
    return {"paragraph": arguments["paragraph"]}


@call("writer.remove")
def writer_remove(arguments):
    document = text_document()
    found = paragraphs(document, arguments)
    with change(document, "Remove paragraphs"):
        for _, part in found:
            if part.supportsService("com.sun.star.text.Paragraph") and len(found) == 1 and not part.String:
                part.dispose()
            elif is_table(part):
                document.Text.removeTextContent(part)
            else:
                part.dispose()
    return {"removed": len(found)}


def search(document, arguments):
    wanted = document.createSearchDescriptor()
    wanted.SearchString = arguments["find"]
    wanted.SearchCaseSensitive = bool(arguments.get("match_case", False))
    wanted.SearchWords = bool(arguments.get("whole_words", False))
    wanted.SearchRegularExpression = False
    found = document.findAll(wanted)
    if found.Count == 0:
        raise Refused("the text has no " + repr(arguments["find"][:80]))
    return found


@call("writer.replace")
def writer_replace(arguments):
    document = text_document()
    wanted = document.createReplaceDescriptor()
    wanted.SearchString, wanted.ReplaceString = arguments["find"], arguments["replace"]
    wanted.SearchCaseSensitive = bool(arguments.get("match_case", False))
    wanted.SearchWords = bool(arguments.get("whole_words", False))
    wanted.SearchRegularExpression = False
    with change(document, "Replace"):
        count = document.replaceAll(wanted)
    return {"replaced": count}


def ranges(document, arguments):
    """What a call is about: what it finds, paragraphs by number, or what is selected."""
    if "find" in arguments:
        return list(items_of(search(document, arguments), 5000))
    if "from" in arguments:
        return only_text(paragraphs(document, arguments))
    selection = document.CurrentSelection
    if hasattr(selection, "getByIndex") and selection.Count and selection.getByIndex(0).String:
        return [chosen for chosen in items_of(selection) if chosen.String]
    raise Refused("name what is meant: find a text, or paragraphs by from and to; nothing is selected")


@call("writer.format")
def writer_format(arguments):
    document = text_document()
    one_of(arguments, LETTERS + ("highlight",))
    found = ranges(document, arguments)
    with change(document, "Format letters"):
        for each in found:
            letters(each, arguments)
            if "highlight" in arguments:
                each.CharBackColor = colour(arguments["highlight"])
                if colour(arguments["highlight"]) < 0:
                    # What is in the middle of a paragraph is on top of what the paragraph says.
                    for portion in items(each) if hasattr(each, "createEnumeration") else []:
                        if hasattr(portion, "CharBackColor"):
                            portion.CharBackColor = -1
    return {"formatted": len(found)}


@call("writer.format_paragraphs")
def writer_format_paragraphs(arguments):
    document = text_document()
    one_of(arguments, ("align", "line_spacing", "style", "page_break", "before_mm", "after_mm", "indent_mm"))
    style = styles(document, arguments["style"]) if "style" in arguments else None
    found = ranges(document, arguments)
    with change(document, "Format paragraphs"):
        for each in found:
            if style is not None:
                each.ParaStyleName = style
            if "align" in arguments:
                each.ParaAdjust = adjust(arguments["align"])
            if "line_spacing" in arguments:
                spacing = new("style.LineSpacing")
                spacing.Mode, spacing.Height = 0, int(arguments["line_spacing"] * 100)
                each.ParaLineSpacing = spacing
            for key, name in (("before_mm", "ParaTopMargin"), ("after_mm", "ParaBottomMargin"), ("indent_mm", "ParaFirstLineIndent")):
                if key in arguments:
                    setattr(each, name, int(arguments[key] * MM))
            if "page_break" in arguments:
                each.BreakType = enum("style.BreakType", "PAGE_BEFORE" if arguments["page_break"] else "NONE")
    return {"formatted": len(found)}


@call("writer.highlighted")
def writer_highlighted(arguments):
    document = text_document()
    found = []
    for nth, part in parts(document):
        if is_table(part):
            continue
        for portion in items(part):
            if getattr(portion, "CharBackColor", -1) >= 0 and portion.String:
                found.append({"paragraph": nth, "text": clip(portion.String, 500), "color": color_text(portion.CharBackColor)})
                if len(found) >= 200:
                    return {"highlighted": found, "there_are_more": True}
    return {"highlighted": found}


@call("writer.case")
def writer_case(arguments):
    document = text_document()
    # Titles: the first letter of each word, and the others as they are.
    how = {"upper": str.upper, "lower": str.lower, "words": lambda text: re.sub(r"(^|[^\w'’])(\w)", lambda found: found[1] + found[2].upper(), text)}
    found = ranges(document, arguments)
    changed = 0
    with change(document, "Change case"):
        for each in found:
            for portion in items(each) if hasattr(each, "createEnumeration") else [each]:
                text = portion.String
                fresh = how[arguments["case"]](text)
                if fresh != text:
                    portion.String = fresh
                    changed += 1
    return {"changed": changed}


@call("writer.default_font")
def writer_default_font(arguments):
    document = text_document()
    one_of(arguments, ("font", "size"))
    family = document.StyleFamilies.getByName("ParagraphStyles")
    with change(document, "Default font"):
        letters(family.getByName("Standard"), arguments)
    style = family.getByName("Standard")
    return {"font": style.CharFontName, "size": style.CharHeight}


@call("writer.page_numbers")
def writer_page_numbers(arguments):
    document = text_document()
    where = arguments.get("place", "footer").capitalize()
    view = document.CurrentController.ViewCursor
    style = document.StyleFamilies.getByName("PageStyles").getByName(view.PageStyleName)
    with change(document, "Page numbers"):
        setattr(style, where + "IsOn", True)
        text = getattr(style, where + "Text")
        field = document.createInstance("com.sun.star.text.TextField.PageNumber")
        field.NumberingType, field.SubType = 4, enum("text.PageNumberType", "CURRENT")
        cursor = text.createTextCursor()
        cursor.gotoEnd(False)
        cursor.ParaAdjust = adjust(arguments.get("align", "center"))
        text.insertTextContent(cursor, field, False)
    return {"page_numbers": where.lower()}


@call("writer.image")
def writer_image(arguments):
    document = text_document()
    graphic, width, height = picture(arguments["path"])
    with change(document, "Insert a picture"):
        made = document.createInstance("com.sun.star.text.TextGraphicObject")
        made.Graphic = graphic
        made.AnchorType = enum("text.TextContentAnchorType", "AS_CHARACTER")
        made.setSize(sides(arguments, width, height, 160 * MM))
        cursor = insertion(document, arguments)
        cursor.Text.insertTextContent(cursor, made, False)
    return {"picture": made.Name, "width_mm": made.Size.Width / MM, "height_mm": made.Size.Height / MM}


@call("writer.formula")
def writer_formula(arguments):
    document = text_document()
    with change(document, "Insert a formula"):
        made = document.createInstance("com.sun.star.text.TextEmbeddedObject")
        made.CLSID = "078B7ABA-54FC-457F-8551-6147E776A997"
        made.AnchorType = enum("text.TextContentAnchorType", "AS_CHARACTER")
        cursor = insertion(document, arguments)
        try:
            cursor.Text.insertTextContent(cursor, made, False)
            made.EmbeddedObject.Formula = arguments["formula"]
        except Exception:
            raise Refused("formulas need LibreOffice Math: apt install libreoffice-math") from None
    return {"formula": made.Name}


def table_named(document, arguments):
    tables = document.TextTables
    names = tables.ElementNames
    if arguments.get("table") in names:
        return tables.getByName(arguments["table"])
    if "table" not in arguments and len(names) == 1:
        return tables.getByName(names[0])
    raise Refused("name one of the tables: " + (", ".join(names[:30]) or "there is none"))


@call("writer.table")
def writer_table(arguments):
    document = text_document()
    rows = arguments["values"]
    wide = max((len(row) for row in rows), default=0)
    if not wide or wide > 63 or len(rows) > 1000:
        raise Refused("a table has 1 to 63 columns and up to 1000 rows: values is a list of rows, each a list of cells")
    with change(document, "Insert a table"):
        made = document.createInstance("com.sun.star.text.TextTable")
        made.initialize(len(rows), wide)
        cursor = insertion(document, arguments)
        cursor.Text.insertTextContent(cursor, made, False)
        made.setDataArray(tuple(tuple(as_data(value) for value in row) + ("",) * (wide - len(row)) for row in rows))
    return {"table": made.Name, "rows": len(rows), "columns": wide}


@call("writer.read_table")
def writer_read_table(arguments):
    made = table_named(text_document(), arguments)
    told, size = [], 0
    for row in range(made.Rows.Count):
        line = []
        for column in range(made.Columns.Count):
            cell = made.getCellByName(column_name(column) + str(row + 1)) if column < 26 else None
            line.append(clip(cell.String, 1000) if cell is not None else None)
        size += len(json.dumps(line, ensure_ascii=False))
        if told and size > TOLD_MAX:
            return {"table": made.Name, "rows": told, "left_out_rows": made.Rows.Count - row}
        told.append(line)
    return {"table": made.Name, "rows": told}


@call("writer.write_table")
def writer_write_table(arguments):
    document = text_document()
    made = table_named(document, arguments)
    match = CELL.match(arguments["at"].strip())
    if not match:
        raise Refused("a cell of a table is written B2; not " + repr(arguments["at"][:40]))
    left, top = column_number(match[1]), row_number(match[2])
    with change(document, "Write a table"):
        for y, row in enumerate(arguments["values"]):
            for x, value in enumerate(row):
                name = column_name(left + x) + str(top + y + 1)
                cell = made.getCellByName(name)
                if cell is None:
                    raise Refused("the table has no cell " + name)
                if isinstance(value, (int, float)) and not isinstance(value, bool):
                    cell.setValue(float(value))
                else:
                    cell.setString("" if value is None else str(value))
    return {"table": made.Name}
