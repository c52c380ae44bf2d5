// What a page shows, as a list of widgets, parents before their children:
// [depth, text, description, hint, kind, left, top, right, bottom, flags, dots]
// `caption` tells what a label says.
// flags: 1 can be touched, 2 can be scrolled, 4 has the focus, 8 a password, 16 disabled, 32 can be on, 64 is on.
(most) => {
    const widgets = [], TEXT = 500;
    const cut = text => (text || '').replace(/\s+/g, ' ').trim().slice(0, TEXT);
    const roles = new Set(['button', 'link', 'checkbox', 'radio', 'tab', 'menuitem', 'menuitemcheckbox', 'menuitemradio', 'option',
        'switch', 'combobox', 'textbox', 'searchbox', 'slider', 'spinbutton', 'treeitem']);
    const kinds = {A: 'Link', BUTTON: 'Button', SELECT: 'ComboBox', TEXTAREA: 'TextField', IMG: 'Image', IFRAME: 'Frame', LABEL: 'Label'};
    const inline = new Set(['SPAN', 'B', 'I', 'EM', 'STRONG', 'U', 'SMALL', 'CODE', 'MARK', 'SUB', 'SUP', 'BR']);
    // A form has its fields, and a document its pictures and forms, as properties by their names, before its own: what a page calls
    // "children" must not hide what lies in it. Prototypes have what is meant.
    const of = (object, name) => {
        const value = Reflect.get(Object.getPrototypeOf(object), name, object);
        return typeof value === 'function' ? value.bind(object) : value;
    };
    const own = form => new Proxy(form, {get: of});
    const deepFocus = root => {
        let at = of(root, 'activeElement');
        while (at && of(at, 'shadowRoot') && at.shadowRoot.activeElement) at = at.shadowRoot.activeElement;
        return at;
    };
    function visit(node, depth, left, top, view, focus) {
        if (widgets.length >= most) return;
        const tag = of(node, 'tagName'), element = tag === 'FORM' ? own(node) : node;
        if (tag === 'SCRIPT' || tag === 'STYLE' || tag === 'NOSCRIPT' || tag === 'TEMPLATE' || tag === 'HEAD') return;
        const style = view.getComputedStyle(node);
        if (style.display === 'none') return;
        const box = element.getBoundingClientRect();
        let shows = style.visibility === 'visible' && style.opacity !== '0' && box.width > 0 && box.height > 0;
        const [l, t, r, b] = [box.left + left, box.top + top, box.right + left, box.bottom + top];
        const width = innerWidth, height = innerHeight;
        if (r <= 0 || b <= 0 || l >= width || t >= height) shows = false;
        const role = element.getAttribute('role') || '';
        const isInput = tag === 'INPUT', type = isInput ? element.type : '';
        const toggles = type === 'checkbox' || type === 'radio', pushes = ['button', 'submit', 'reset', 'image'].includes(type);
        const isField = tag === 'TEXTAREA' || isInput && !toggles && !pushes && type !== 'hidden' && type !== 'file' ||
            element.isContentEditable && !(element.parentElement && element.parentElement.isContentEditable) ||
            role === 'textbox' || role === 'searchbox';
        const touchable = isField || isInput || tag === 'BUTTON' || tag === 'SELECT' || tag === 'SUMMARY' || tag === 'LABEL' || tag === 'OPTION' ||
            tag === 'A' && element.hasAttribute('href') || roles.has(role) || element.hasAttribute('onclick') || element.tabIndex >= 0 && tag !== 'IFRAME' ||
            style.cursor === 'pointer' && (!element.parentElement || view.getComputedStyle(element.parentElement).cursor !== 'pointer');
        let text = '';
        for (const part of element.childNodes) if (part.nodeType === 3) text += part.data + ' ';
        // A sentence with words in bold is one sentence, unless a part of it does something of its own.
        const isPlain = part => inline.has(part.tagName) && part.tabIndex < 0 && !part.hasAttribute('onclick') && !part.hasAttribute('role') &&
            view.getComputedStyle(part).cursor === style.cursor && [...part.children].every(isPlain);
        const isSentence = !!text.trim() && element.childElementCount > 0 && element.childElementCount <= 50 && [...element.children].every(isPlain);
        if (isSentence) text = element.innerText;
        const secret = type === 'password';
        let dots = -1;
        if (secret) dots = element.value.length;
        else if (isField && 'value' in element) text = element.value;
        else if (pushes) text = element.value || (type === 'submit' ? 'Submit' : '');
        else if (type === 'file') text = element.files.length ? [...element.files].map(file => file.name).join(', ') : 'Choose File';
        else if (tag === 'SELECT') text = element.selectedIndex >= 0 ? element.options[element.selectedIndex].label : '';
        // A button of several parts says what they say.
        if (!cut(text) && (tag === 'BUTTON' || tag === 'A' || role === 'button' || role === 'link') && element.childElementCount) text = element.innerText;
        let says = element.getAttribute('aria-label') || element.getAttribute('alt') || '';
        if (!says && element.labels && element.labels.length && !pushes) says = caption(element.labels[0]);
        const title = element.getAttribute('title') || '';
        const focused = node === focus && focus !== element.ownerDocument.body;
        let hidden = false, [sl, st, sr, sb] = [box.left, box.top, box.right, box.bottom];
        if (shows && (touchable || text.trim())) {
            [sl, st, sr, sb] = [Math.max(sl, 0), Math.max(st, 0), Math.min(sr, view.innerWidth), Math.min(sb, view.innerHeight)];
            // What lies under something else is not there for whoever looks: only the largest part beside it is, if there is one.
            const isAbove = above => above && above !== node && !element.contains(above) && !of(above, 'contains')(node) &&
                !(element.labels && [...element.labels].some(label => label.contains(above))) && style.pointerEvents !== 'none';
            hidden = true;
            for (let tries = 0; tries < 4 && sr - sl >= 3 && sb - st >= 3; tries++) {
                const above = of(element.getRootNode(), 'elementFromPoint')((sl + sr) / 2, (st + sb) / 2);
                if (!isAbove(above)) { hidden = false; break; }
                const cover = of(above, 'getBoundingClientRect')();
                const parts = [[sl, st, cover.left, sb], [cover.right, st, sr, sb], [sl, st, sr, cover.top], [sl, cover.bottom, sr, sb]];
                const size = ([l, t, r, b]) => Math.max(r - l, 0) * Math.max(b - t, 0);
                [sl, st, sr, sb] = parts.reduce((best, part) => size(part) > size(best) ? part : best);
            }
        }
        const scrolls = /auto|scroll/.test(style.overflowY + style.overflowX) &&
            (element.scrollHeight > element.clientHeight + 1 || element.scrollWidth > element.clientWidth + 1);
        const words = isField ? text.trim().slice(0, TEXT) : cut(text), description = cut(says || title), hint = cut(element.getAttribute('placeholder'));
        let inner = depth;
        if (shows && !hidden && (words || description || hint || touchable || focused || scrolls)) {
            const checked = toggles ? element.checked : element.getAttribute('aria-checked') === 'true';
            const can = toggles || element.hasAttribute('aria-checked');
            const flags = (touchable ? 1 : 0) | (scrolls ? 2 : 0) | (focused ? 4 : 0) | (secret ? 8 : 0) | (element.disabled ? 16 : 0) |
                (can ? 32 : 0) | (can && checked ? 64 : 0);
            const kind = isField ? 'TextField' : toggles ? (type === 'radio' ? 'RadioButton' : 'CheckBox') : pushes || type === 'file' ? 'Button' : kinds[tag] || tag;
            widgets.push([depth, words, description === words ? '' : description, hint, kind,
                Math.max(sl + left, 0), Math.max(st + top, 0), Math.min(sr + left, width), Math.min(sb + top, height), flags, dots]);
            inner = depth + 1;
        }
        if (isSentence || tag === 'BUTTON' || tag === 'SELECT' || tag === 'svg' || tag === 'SVG') return;
        if (tag === 'IFRAME' || tag === 'FRAME') {
            const page = element.contentDocument;
            if (page && of(page, 'documentElement') && shows) {
                const frame = [l + element.clientLeft, t + element.clientTop];
                visit(of(page, 'documentElement'), inner, frame[0], frame[1], of(page, 'defaultView'), focused ? deepFocus(page) : null);
            }
            return;
        }
        if (element.shadowRoot) for (const child of element.shadowRoot.children) visit(child, inner, left, top, view, focus);
        const children = tag === 'SLOT' ? element.assignedElements() : element.shadowRoot ? [] : element.children;
        for (const child of children) visit(child, inner, left, top, view, focus);
    }
    const root = of(document, 'documentElement');
    if (root) visit(root, 0, 0, 0, window, deepFocus(document));
    return widgets;
}
