import { defineOperator } from '@keelson/core';
import { Website } from './website.ts';

/** Counts how often it has looked at a site, in the site itself: a change, which it looks at. */
export default defineOperator({
  name: 'restless',
  for: Website,
  uses: [{ type: Website, verbs: ['patch'] }],
  async reconcile({ metadata }, { client }) {
    const looks = Number(metadata.annotations?.['example.com/looks'] ?? 0) + 1;
    const annotations = { 'example.com/looks': String(looks) };
    await client.patch(Website, metadata, { merge: { metadata: { annotations } } });
  },
});
