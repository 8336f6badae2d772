import { ConfigMap, defineOperator, defineResource } from '@keelson/core';
import { z } from 'zod';

export const Page = defineResource({
  group: 'examples.keelson.dev',
  version: 'v1',
  kind: 'Page',
  spec: z.object({ title: z.string(), text: z.string().default('') }),
  status: z.object({ cluster: z.string(), renderedBy: z.string() }),
  printerColumns: [{ name: 'Rendered by', type: 'string', jsonPath: '.status.renderedBy' }],
});

/** Which of the processes this is; in a Deployment the name of its pod. */
export const identity = process.env['POD_NAME'] ?? `process-${process.pid}`;

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

export default defineOperator({
  name: 'pages',
  for: Page,
  owns: [ConfigMap],
  async reconcile({ spec: { title, text } }, { cluster = '', apply, setStatus }) {
    const html = `<title>${escaped(title)}</title><p>${escaped(text)}</p>`;
    await apply(ConfigMap, { data: { 'index.html': html } });
    setStatus({ cluster, renderedBy: identity });
  },
});
