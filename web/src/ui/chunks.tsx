// A long list of which only what is near the screen is in the document. Pieces keep the height that they had, so rows may
// be of any height.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

export const chunkSize = 150;

interface ChunkProps {
  root: () => Element | null;
  estimate: number; // pixels, before it was ever drawn
  render: () => ComponentChildren;
  keepDrawn: boolean;
}

function Chunk({ root, estimate, render, keepDrawn }: ChunkProps) {
  const element = useRef<HTMLDivElement>(null);
  const height = useRef(estimate);
  const [near, setNear] = useState(false);
  useEffect(() => {
    const node = element.current;
    if (!node) return undefined;
    const observer = new IntersectionObserver(
      (entries) => {
        const last = entries[entries.length - 1];
        if (!last) return;
        if (!last.isIntersecting && node.firstChild) height.current = node.getBoundingClientRect().height || height.current;
        setNear(last.isIntersecting);
      },
      { root: root(), rootMargin: '1200px 0px' },
    );
    observer.observe(node);
    return () => observer.disconnect();
  }, []);
  const drawn = near || keepDrawn;
  return (
    <div ref={element} class="chunk" style={drawn ? { height: 'auto' } : { height: `${Math.max(height.current, 1)}px` }}>
      {drawn && render()}
    </div>
  );
}

export interface ChunksProps {
  count: number;
  rowHeight: number;
  row: (index: number) => ComponentChildren;
  root?: () => Element | null;
  // A row that has to be in the document, for example to scroll to it.
  needed?: number | null;
}

export function Chunks({ count, rowHeight, row, root, needed }: ChunksProps) {
  const chunks: ComponentChildren[] = [];
  for (let from = 0; from < count; from += chunkSize) {
    const to = Math.min(from + chunkSize, count);
    chunks.push(
      <Chunk
        key={from}
        root={root ?? (() => null)}
        estimate={(to - from) * rowHeight}
        keepDrawn={(needed != null && needed >= from && needed < to) || (from === 0 && to === count)}
        render={() => {
          const rows: ComponentChildren[] = [];
          for (let index = from; index < to; index++) rows.push(row(index));
          return rows;
        }}
      />,
    );
  }
  return <>{chunks}</>;
}
