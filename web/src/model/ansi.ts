// The colours of a terminal's output, line by line, as spans of text with class names. Never markup: whoever draws the
// spans makes text nodes. Of all escape sequences only colours and styles (SGR) mean anything; links that a program
// names (OSC 8) are kept if they lead to http or https; every other sequence is left out, with what it carries.

import { pieces } from './visible';

export interface Span {
  text: string;
  classes: string; // "b f1 k4": bold, foreground 1, background 4
  href?: string;
}

interface Style {
  bold: boolean;
  dim: boolean;
  italic: boolean;
  underline: boolean;
  strike: boolean;
  inverse: boolean;
  foreground: number | null; // 0..15
  background: number | null;
  href: string | null;
}

const plain: Style = {
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  strike: false,
  inverse: false,
  foreground: null,
  background: null,
  href: null,
};

// xterm's sixteen, for finding the nearest of any other colour: only these are known to be readable on both themes.
const sixteen: readonly (readonly [number, number, number])[] = [
  [0, 0, 0], [205, 0, 0], [0, 205, 0], [205, 205, 0], [0, 0, 238], [205, 0, 205], [0, 205, 205], [229, 229, 229],
  [127, 127, 127], [255, 0, 0], [0, 255, 0], [255, 255, 0], [92, 92, 255], [255, 0, 255], [0, 255, 255], [255, 255, 255],
];

function nearest(red: number, green: number, blue: number): number {
  let best = 0;
  let least = Infinity;
  sixteen.forEach(([r, g, b], index) => {
    const distance = (red - r) ** 2 + (green - g) ** 2 + (blue - b) ** 2;
    if (distance < least) [best, least] = [index, distance];
  });
  return best;
}

function of256(index: number): number {
  if (index < 16) return index;
  if (index >= 232) return nearest(8 + (index - 232) * 10, 8 + (index - 232) * 10, 8 + (index - 232) * 10);
  const level = (step: number) => (step === 0 ? 0 : 55 + 40 * step);
  const at = index - 16;
  return nearest(level(Math.floor(at / 36)), level(Math.floor(at / 6) % 6), level(at % 6));
}

// Reads "38;5;n" or "38;2;r;g;b" from `codes[at]` on; returns the colour, if any, and how many codes it took.
function extended(codes: number[], at: number): [number | null, number] {
  const [first, second, third] = codes.slice(at + 2, at + 5).map((value) => Math.min(255, value));
  if (codes[at + 1] === 5 && first !== undefined) return [of256(first), 3];
  if (codes[at + 1] === 2 && third !== undefined) return [nearest(first ?? 0, second ?? 0, third), 5];
  return [null, codes.length];
}

function applyCode(style: Style, code: number): void {
  switch (code) {
    case 0: Object.assign(style, plain, { href: style.href }); break;
    case 1: style.bold = true; break;
    case 2: style.dim = true; break;
    case 3: style.italic = true; break;
    case 4: style.underline = true; break;
    case 7: style.inverse = true; break;
    case 9: style.strike = true; break;
    case 22: style.bold = style.dim = false; break;
    case 23: style.italic = false; break;
    case 24: style.underline = false; break;
    case 27: style.inverse = false; break;
    case 29: style.strike = false; break;
    case 39: style.foreground = null; break;
    case 49: style.background = null; break;
    default:
      if (code >= 30 && code <= 37) style.foreground = code - 30;
      else if (code >= 40 && code <= 47) style.background = code - 40;
      else if (code >= 90 && code <= 97) style.foreground = code - 82;
      else if (code >= 100 && code <= 107) style.background = code - 92;
  }
}

function applySgr(style: Style, parameters: string): void {
  if (!/^[\d;:]*$/.test(parameters)) return;
  const codes = parameters.split(/[;:]/).map((text) => Number(text || '0'));
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] ?? 0;
    if (code === 38 || code === 48) {
      const [colour, taken] = extended(codes, at);
      if (colour !== null) style[code === 38 ? 'foreground' : 'background'] = colour;
      at += taken - 1;
    } else {
      applyCode(style, code);
    }
  }
}

function classesOf(style: Style): string {
  const names: string[] = [];
  if (style.bold) names.push('b');
  if (style.dim) names.push('d');
  if (style.italic) names.push('i');
  if (style.underline) names.push('u');
  if (style.strike) names.push('s');
  if (style.inverse) names.push('r');
  if (style.foreground !== null) names.push(`f${style.foreground}`);
  if (style.background !== null) names.push(`k${style.background}`);
  return names.join(' ');
}

export function safeLink(text: string): string | null {
  if (text.length > 2000 || !/^https?:\/\/[^\s]+$/i.test(text)) return null;
  try {
    const url = new URL(text);
    return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : null;
  } catch {
    return null;
  }
}

// CSI, then OSC and the other strings with a terminator, then two-character sequences.
// An unfinished string sequence takes the rest of its line: nothing that it carries may look like text.
const sequence = /(?:\u001b\[|\u009b)([0-?]*)[ -/]*([@-~])?|(?:\u001b\]|\u009d)([^\u0007\u001b\u009c]*)(?:\u0007|\u001b\\|\u009c|$)|(?:\u001b[PX^_]|[\u0090\u0098\u009e\u009f])[^\u001b\u009c]*(?:\u001b\\|\u009c|$)|\u001b[ -/]*[0-~]?/g;
const address = /https?:\/\/[^\s"'<>`|{}\\^\u0000-\u0020]+[^\s"'<>`|{}\\^.,;:!?)\]\u0000-\u0020]/g;

export class AnsiReader {
  private style: Style = { ...plain };

  // One line without its end. The style goes on into the next line.
  line(text: string): Span[] {
    const spans: Span[] = [];
    let from = 0;
    if (/[\u001b\u0090-\u009f]/.test(text)) {
      for (const match of text.matchAll(sequence)) {
        this.text(spans, text.slice(from, match.index));
        from = match.index + match[0].length;
        if (match[2] === 'm') applySgr(this.style, match[1] ?? '');
        else if (match[3] !== undefined) this.operatingSystemCommand(match[3]);
      }
    }
    this.text(spans, text.slice(from));
    return spans;
  }

  // For a line that is not complete yet and will be read again.
  peek(text: string): Span[] {
    const kept = { ...this.style };
    const spans = this.line(text);
    this.style = kept;
    return spans;
  }

  private operatingSystemCommand(command: string): void {
    const link = /^8;[^;]*;(.*)$/.exec(command);
    if (link) this.style.href = link[1] ? safeLink(link[1]) : null;
  }

  private text(spans: Span[], text: string): void {
    if (text === '') return;
    const classes = classesOf(this.style);
    for (const piece of pieces(text)) {
      if (piece.control) spans.push({ text: piece.text, classes: classes ? `${classes} ctl` : 'ctl' });
      else if (this.style.href) spans.push({ text: piece.text, classes, href: this.style.href });
      else this.withAddresses(spans, piece.text, classes);
    }
  }

  private withAddresses(spans: Span[], text: string, classes: string): void {
    let from = 0;
    if (text.includes('://')) {
      for (const match of text.matchAll(address)) {
        const href = safeLink(match[0]);
        if (!href) continue;
        if (match.index > from) spans.push({ text: text.slice(from, match.index), classes });
        spans.push({ text: match[0], classes, href });
        from = match.index + match[0].length;
      }
    }
    if (from < text.length) spans.push({ text: text.slice(from), classes });
  }
}
