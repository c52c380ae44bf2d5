// What a text would go into: says "none", "frame" (of another site), "text", "done", or why not. With `replace` what it holds is selected.
(replace, text) => {
    let field = document.activeElement;
    for (;;) {
        if (!field || field === document.body) return field && field.isContentEditable ? select(field) : 'none';
        if (field.shadowRoot && field.shadowRoot.activeElement) { field = field.shadowRoot.activeElement; continue; }
        if (field.tagName === 'IFRAME' || field.tagName === 'FRAME') {
            const inner = field.contentDocument;
            if (!inner) return 'frame';
            field = inner.activeElement;
            if (field && field === inner.body && !field.isContentEditable && inner.designMode !== 'on') return 'none';
            if (field === inner.body) return select(field);
            continue;
        }
        break;
    }
    function select(editable) {
        if (replace) {
            const selection = editable.ownerDocument.getSelection();
            selection.selectAllChildren(editable);
        }
        return 'text';
    }
    if (field.isContentEditable) return select(field);
    const kind = field.tagName;
    if (kind !== 'INPUT' && kind !== 'TEXTAREA' && kind !== 'SELECT') return 'none';
    if (field.disabled || field.readOnly) return 'the field cannot be changed';
    const changed = () => {
        field.dispatchEvent(new Event('input', {bubbles: true}));
        field.dispatchEvent(new Event('change', {bubbles: true}));
        return 'done';
    };
    if (kind === 'SELECT') {
        const wanted = text.trim().toLowerCase();
        const labels = [...field.options].map(option => option.label.trim());
        const at = labels.findIndex(label => label.toLowerCase() === wanted);
        if (at < 0) return 'the list has no such choice; it has: ' + labels.slice(0, 50).join(', ').slice(0, 1000);
        field.selectedIndex = at;
        return changed();
    }
    if (kind === 'INPUT') {
        const forms = {
            date: 'YYYY-MM-DD', time: 'HH:MM', month: 'YYYY-MM', week: 'YYYY-Www', 'datetime-local': 'YYYY-MM-DDTHH:MM',
            color: '#rrggbb', range: 'a number',
        };
        if (forms[field.type]) {
            const view = field.ownerDocument.defaultView;
            const setter = Object.getOwnPropertyDescriptor(view.HTMLInputElement.prototype, 'value').set;
            const before = field.value;
            setter.call(field, text.trim());
            // A page's own default stands where a slider or a colour is not understood.
            const is = field.type === 'range' ? Number(field.value) === Number(text) :
                field.type === 'color' ? field.value === text.trim().toLowerCase() : field.value !== '' || text.trim() === '';
            if (!is) {
                const end = (text, usual) => text !== '' && Number.isFinite(Number(text)) ? Number(text) : usual;
                const range = field.type === 'range' ? ` from ${end(field.min, 0)} to ${end(field.max, 100)}` : '';
                setter.call(field, before);
                return 'the field takes ' + forms[field.type] + range;
            }
            return changed();
        }
        if (['button', 'checkbox', 'file', 'hidden', 'image', 'radio', 'reset', 'submit'].includes(field.type)) return 'none';
    }
    if (replace) field.select();
    return 'text';
}
