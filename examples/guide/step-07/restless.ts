import { defineOperator } from '@keelson/core';
import { Website } from './website.ts';

/** Notes when it has looked at a site, in the site itself: a change, which it looks at. */
export default defineOperator({
  name: 'restless',
  for: Website,
  uses: [{ type: Website, verbs: ['patch'] }],
  async reconcile({ metadata }, { client }) {
    const annotations = { 'example.com/seen': new Date().toISOString() };
    await client.patch(Website, metadata, { merge: { metadata: { annotations } } });
  },
});
