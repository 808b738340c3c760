// A log as people read it: numbered lines with colours and links, that follows while it grows, can be searched, wrapped,
// linked to and taken away. Everything in it is text; nothing in it is trusted.

import { useEffect, useRef, useState } from 'preact/hooks';
import { getBytes } from '../api/client';
import { onLive, streaming } from '../api/live';
import { LogFollower } from '../api/log_follower';
import { search, type LogLine, type LogLines } from '../model/log_lines';
import { bytes } from '../model/time';
import { ActionButton, Icon } from './basics';
import { Chunks } from './chunks';

const lineHeight = 20;

function Line({ line, number, anchor, mark }: { line: LogLine; number: number; anchor: string; mark: boolean }) {
  return (
    <div class={`log-line ${line.tone}${mark ? ' marked' : ''}`} id={anchor}>
      <a class="log-number" href={`#${anchor}`} aria-label={`Line ${number}`} tabIndex={-1}>
        {number}
      </a>
      <span class="log-text">
        {line.spans.map((span, index) =>
          span.href ? (
            <a key={index} class={span.classes} href={span.href} target="_blank" rel="noopener noreferrer nofollow">
              {span.text}
            </a>
          ) : span.classes ? (
            <span key={index} class={span.classes}>
              {span.text}
            </span>
          ) : (
            span.text
          ),
        )}
      </span>
    </div>
  );
}

// A log as it is at a moment. Another object for each moment: a component with the same properties is not drawn again,
// and the lines are added to where they are.
export interface LogMoment {
  log: LogLines;
  capped: boolean;
  mostBytes: number;
  error: string | null;
}

const momentOf = ({ log, capped, mostBytes, error }: LogFollower): LogMoment => ({ log, capped, mostBytes, error });

// Follows the log of a phase from its first byte on.
export function useLog(url: string | null, runId: string, phase: 'plan' | 'apply', wanted: boolean): LogMoment | null {
  const [moment, setMoment] = useState<LogMoment | null>(null);
  // The address is signed anew with each answer; what it leads to stays.
  const address = useRef(url);
  address.current = url;
  const active = wanted && url !== null;
  useEffect(() => {
    if (!active) return undefined;
    let frame = 0;
    const changed = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => setMoment(momentOf(mine)));
    };
    const mine = new LogFollower((offset, limit) => getBytes(address.current ?? '', { offset, limit }), changed);
    setMoment(momentOf(mine));
    void mine.pull();
    const silent = onLive((event) => {
      if (event.kind === 'resync') void mine.pull();
      else if (event.kind === 'log' && event.data['run-id'] === runId && event.data.phase === phase) void mine.pull(event.data.offset);
      else if (event.kind === 'run' && event.data['run-id'] === runId) void mine.pull();
    });
    const timer = setInterval(() => {
      if (!streaming.value && !mine.log.complete) void mine.pull();
    }, 2000);
    return () => {
      mine.stop();
      silent();
      clearInterval(timer);
      cancelAnimationFrame(frame);
    };
  }, [active, runId, phase]);
  return moment;
}

// "#plan-L12" or "#plan-L12-L20": the first and last line that the address of the page names.
function linesInAddress(prefix: string): [number, number] | null {
  const found = new RegExp(`^#${prefix}-L(\\d+)(?:-L(\\d+))?$`).exec(location.hash);
  return found ? [Number(found[1]), Number(found[2] ?? found[1])] : null;
}

export function LogView({ moment, phase, url, name }: { moment: LogMoment; phase: 'plan' | 'apply'; url: string; name: string }) {
  const { log } = moment;
  const scroller = useRef<HTMLDivElement>(null);
  const [follow, setFollow] = useState(!log.complete);
  const [wrap, setWrap] = useState(true);
  const [wanted, setWanted] = useState('');
  const [at, setAt] = useState(0);
  const [linked, setLinked] = useState(() => linesInAddress(phase));
  const found = search(log.lines, wanted);
  const current = found.length > 0 ? (found[Math.min(at, found.length - 1)] ?? null) : null;
  const needed = current ?? (linked ? linked[0] - 1 - log.dropped : null);

  useEffect(() => {
    const changed = () => setLinked(linesInAddress(phase));
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, [phase]);
  useEffect(() => {
    if (follow && needed === null && scroller.current) scroller.current.scrollTop = scroller.current.scrollHeight;
  });
  useEffect(() => {
    if (needed === null) return;
    setFollow(false);
    const line = document.getElementById(`${phase}-L${needed + 1 + log.dropped}`);
    line?.scrollIntoView({ block: 'center' });
  }, [needed, linked]);

  const scrolled = () => {
    const box = scroller.current;
    if (box) setFollow(box.scrollHeight - box.scrollTop - box.clientHeight < 30);
  };
  const step = (by: number) => found.length > 0 && setAt((Math.min(at, found.length - 1) + by + found.length) % found.length);

  return (
    <div class="log">
      <div class="log-bar">
        <div class="log-search" role="search">
          <Icon name="search" />
          <input
            type="search"
            aria-label={`Search the ${phase}'s log`}
            placeholder="Search"
            value={wanted}
            onInput={(event) => {
              setWanted(event.currentTarget.value);
              setAt(0);
            }}
            onKeyDown={(event) => {
              if (event.key === 'Enter') step(event.shiftKey ? -1 : 1);
            }}
          />
          {wanted !== '' && (
            <span class="quiet" role="status">
              {found.length === 0 ? 'Not found' : `${Math.min(at, found.length - 1) + 1} of ${found.length}`}
            </span>
          )}
        </div>
        <span class="spacer" />
        <label class="switch">
          <input type="checkbox" checked={wrap} onChange={(event) => setWrap(event.currentTarget.checked)} /> Wrap
        </label>
        {!log.complete && (
          <label class="switch">
            <input type="checkbox" checked={follow} onChange={(event) => setFollow(event.currentTarget.checked)} /> Follow
          </label>
        )}
        <ActionButton act={() => download(url, name)}>Download</ActionButton>
      </div>
      {log.dropped > 0 && <p class="log-note">The first {log.dropped} lines are not kept here; the download has them.</p>}
      <div
        ref={scroller}
        class={`log-lines${wrap ? ' wrap' : ''}`}
        role="region"
        aria-label={`Log of the ${phase}`}
        tabIndex={0}
        onScroll={scrolled}
      >
        <Chunks
          count={log.lines.length}
          rowHeight={lineHeight}
          root={() => scroller.current}
          needed={needed}
          row={(index) => {
            const line = log.lines[index];
            const number = index + 1 + log.dropped;
            const inLink = linked !== null && number >= linked[0] && number <= linked[1];
            return line && <Line key={number} line={line} number={number} anchor={`${phase}-L${number}`} mark={index === current || inLink} />;
          }}
        />
        {log.lines.length === 0 && <p class="log-note">{log.complete ? 'Nothing was written.' : 'Nothing yet.'}</p>}
      </div>
      {moment.capped && (
        <p class="log-note">The log is longer than {bytes(moment.mostBytes)}, of which this is the beginning. The download is whole.</p>
      )}
      {moment.error && (
        <p class="log-note" role="status">
          {moment.error} What is here stays; the rest follows.
        </p>
      )}
    </div>
  );
}

// All of the log, also what is not on the page, as a file.
async function download(url: string, name: string): Promise<void> {
  const parts: Uint8Array[] = [];
  for (let offset = 0; ; ) {
    const part = await getBytes(url, { offset, limit: 1024 * 1024 });
    if (part.length === 0) break;
    parts.push(part);
    offset += part.length;
  }
  const first = parts[0];
  const last = parts[parts.length - 1];
  // The two bytes that frame a log on the wire.
  if (first?.[0] === 0x02) parts[0] = first.subarray(1);
  if (last && last[last.length - 1] === 0x03) parts[parts.length - 1] = (parts[parts.length - 1] ?? last).subarray(0, -1);
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob(parts as BlobPart[], { type: 'text/plain' }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
