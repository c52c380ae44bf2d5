// What a label says beside the field that lies in it, as it is shown: a list's choices and a text are the field's own.
(() => {
    // A form hides its own properties behind its fields' names: prototypes have what is meant.
    const getter = (prototype, name) => Object.getOwnPropertyDescriptor(prototype, name).get;
    const children = getter(Node.prototype, 'childNodes'), kind = getter(Node.prototype, 'nodeType'), tag = getter(Element.prototype, 'tagName');
    const own = new Set(['SELECT', 'TEXTAREA', 'SCRIPT', 'STYLE', 'TEMPLATE']);
    const text = part => {
        if (kind.call(part) === 3) return part.data;
        if (kind.call(part) !== 1) return '';
        const name = tag.call(part);
        if (name === 'BR' || own.has(name)) return ' ';
        const {display, visibility} = getComputedStyle(part);
        if (display === 'none' || visibility !== 'visible') return '';
        return display.startsWith('inline') || display === 'contents' ? inside(part) : ' ' + inside(part) + ' ';
    };
    const inside = node => [...children.call(node)].map(text).join('');
    return inside;
})()
