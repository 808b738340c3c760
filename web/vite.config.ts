import { defineConfig } from 'vitest/config';

// Without the preset for Preact, whose Babel this page does not need.
export default defineConfig({
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: {
    outDir: '../build/web/dist',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: false, // its helper writes inline code
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  test: { include: ['test/**/*.test.ts'], environment: 'node' },
});
