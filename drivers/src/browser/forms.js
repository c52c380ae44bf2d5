// Fills fields of a page, found by what is written at them. Returns {filled: [names]}; or {missing: [names], refused: {name: why}, fields:
// [what there is]}, and then nothing was filled. `caption` tells what a label says.
(wanted) => {
    const clean = text => (text || '').replace(/\s+/g, ' ').trim().replace(/\s*[:*]+$/, '').toLowerCase();
    const fields = [...document.querySelectorAll('input, textarea, select')].filter(field =>
        !field.disabled && !field.readOnly && !['hidden', 'submit', 'button', 'reset', 'image', 'file'].includes(field.type) &&
        field.getClientRects().length);
    const names = field => [
        ...[...(field.labels || [])].map(caption), field.getAttribute('aria-label'), field.placeholder, field.name, field.id, field.title,
    ].map(clean).filter(name => name);
    const changed = field => {
        field.dispatchEvent(new Event('input', {bubbles: true}));
        field.dispatchEvent(new Event('change', {bubbles: true}));
    };
    const result = {filled: [], missing: [], refused: {}};
    const fill = {};
    for (const [name, value] of Object.entries(wanted)) {
        const matching = fields.filter(field => names(field).includes(clean(name)));
        if (!matching.length) { result.missing.push(name); continue; }
        const field = matching[0], text = String(value);
        if (field.type === 'password') result.refused[name] = 'passwords are typed, not filled';
        else if (field.type === 'radio') {
            const choice = matching.find(radio => clean(radio.value) === clean(text)) || (value === true ? field : null);
            if (!choice) result.refused[name] = 'no such choice';
            else fill[name] = () => { if (!choice.checked) choice.click(); };
        } else if (field.type === 'checkbox') {
            if (typeof value !== 'boolean') result.refused[name] = 'it takes true or false';
            else fill[name] = () => { if (field.checked !== value) field.click(); };
        } else if (field.tagName === 'SELECT') {
            const at = [...field.options].findIndex(option => clean(option.label) === clean(text) || option.value === text);
            if (at < 0) result.refused[name] = 'it has: ' + [...field.options].slice(0, 30).map(option => option.label.trim()).join(', ');
            else fill[name] = () => { field.selectedIndex = at; changed(field); };
        } else {
            const view = field.tagName === 'TEXTAREA' ? HTMLTextAreaElement : HTMLInputElement;
            const set = Object.getOwnPropertyDescriptor(view.prototype, 'value').set, before = field.value;
            // Tried, and put back without anybody being told.
            set.call(field, text);
            const held = field.value;
            set.call(field, before);
            if (held !== text) result.refused[name] = 'it does not take this' + (held ? '; it would hold ' + held.slice(0, 200) : '');
            else fill[name] = () => { set.call(field, text); changed(field); };
        }
    }
    if (result.missing.length || Object.keys(result.refused).length) {
        result.fields = [...new Set(fields.map(field => names(field)[0]).filter(name => name))].slice(0, 40);
        return result;
    }
    for (const [name, act] of Object.entries(fill)) { act(); result.filled.push(name); }
    return result;
}
