// Characters that would hide or reorder text are shown by name. What comes from a run may be written by a stranger.

const controlPictures = 0x2400;
// Bidirectional controls and other characters without a shape of their own.
const hidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb]/;
const hiddenAll = new RegExp(hidden.source, 'g');

export function hasHidden(text: string): boolean {
  return hidden.test(text);
}

// How one hidden character is written.
export function pictureOf(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(controlPictures + code);
  if (code === 0x7f) return '\u2421';
  return `\u27e8U+${code.toString(16).toUpperCase().padStart(4, '0')}\u27e9`;
}

export function visible(text: string): string {
  return hidden.test(text) ? text.replace(hiddenAll, pictureOf) : text;
}

// The same in pieces, so that the pictures can be drawn unlike text that only looks like them.
export function pieces(text: string): { text: string; control: boolean }[] {
  if (!hidden.test(text)) return text === '' ? [] : [{ text, control: false }];
  const found: { text: string; control: boolean }[] = [];
  let from = 0;
  for (const match of text.matchAll(hiddenAll)) {
    if (match.index > from) found.push({ text: text.slice(from, match.index), control: false });
    found.push({ text: pictureOf(match[0]), control: true });
    from = match.index + match[0].length;
  }
  if (from < text.length) found.push({ text: text.slice(from), control: false });
  return found;
}
