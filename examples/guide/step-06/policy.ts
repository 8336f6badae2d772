import { allow, defineOperator, deny } from '@keelson/core';
import { Website } from './website.ts';

/** A host is the site's that had it first. */
export default defineOperator({
  name: 'website-hosts',
  for: Website,
  uses: [{ type: Website, verbs: ['list'] }],
  async validate({ object }, { client }) {
    const { host } = object.spec;
    if (host === undefined) return allow();
    const { items } = await client.list(Website);
    const other = items.find(({ metadata, spec }) => spec.host === host && metadata.uid !== object.metadata.uid);
    if (!other) return allow();
    return deny([{ field: 'spec.host', message: `${other.metadata.namespace}/${other.metadata.name} has it` }]);
  },
});
