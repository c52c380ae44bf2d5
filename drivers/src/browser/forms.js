// Fills fields of a page, found by what is written at them. Returns {filled: [names], missing: [names], refused: {name: why}}.
(wanted) => {
    const clean = text => (text || '').replace(/\s+/g, ' ').trim().replace(/\s*[:*]+$/, '').toLowerCase();
    const fields = [...document.querySelectorAll('input, textarea, select')].filter(field =>
        !field.disabled && !field.readOnly && !['hidden', 'submit', 'button', 'reset', 'image', 'file'].includes(field.type) &&
        field.getClientRects().length);
    const names = field => [
        ...[...(field.labels || [])].map(label => label.innerText), field.getAttribute('aria-label'), field.placeholder, field.name, field.id, field.title,
    ].map(clean).filter(name => name);
    const result = {filled: [], missing: [], refused: {}};
    const changed = field => {
        field.dispatchEvent(new Event('input', {bubbles: true}));
        field.dispatchEvent(new Event('change', {bubbles: true}));
    };
    for (const [name, value] of Object.entries(wanted)) {
        const matching = fields.filter(field => names(field).includes(clean(name)));
        if (!matching.length) { result.missing.push(name); continue; }
        const field = matching[0], text = String(value);
        if (field.type === 'password') { result.refused[name] = 'passwords are typed, not filled'; continue; }
        if (field.type === 'radio') {
            const choice = matching.find(radio => clean(radio.value) === clean(text)) || (value === true ? field : null);
            if (!choice) { result.refused[name] = 'no such choice'; continue; }
            if (!choice.checked) choice.click();
        } else if (field.type === 'checkbox') {
            if (typeof value !== 'boolean') { result.refused[name] = 'it takes true or false'; continue; }
            if (field.checked !== value) field.click();
        } else if (field.tagName === 'SELECT') {
            const at = [...field.options].findIndex(option => clean(option.label) === clean(text) || option.value === text);
            if (at < 0) { result.refused[name] = 'it has: ' + [...field.options].slice(0, 30).map(option => option.label.trim()).join(', '); continue; }
            field.selectedIndex = at;
            changed(field);
        } else {
            const view = field.tagName === 'TEXTAREA' ? HTMLTextAreaElement : HTMLInputElement;
            Object.getOwnPropertyDescriptor(view.prototype, 'value').set.call(field, text);
            if (field.value !== text) { result.refused[name] = 'it does not take this; it holds now: ' + field.value.slice(0, 200); continue; }
            changed(field);
        }
        result.filled.push(name);
    }
    const known = [...new Set(fields.map(field => names(field)[0]).filter(name => name))].slice(0, 40);
    if (result.missing.length) result.fields = known;
    return result;
}
