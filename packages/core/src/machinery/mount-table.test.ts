import { expect, it } from 'vitest';
import { mountPointsBelow } from './mount-table.ts';

it('names what is mounted below a directory, the deepest first, and nothing beside it', () => {
  const table = [
    'tmpfs /data tmpfs rw 0 0',
    'overlay /data/a overlay rw 0 0',
    'tmpfs /data/a/with\\040blank tmpfs rw 0 0',
    'tmpfs /database/x tmpfs rw 0 0',
    '',
  ].join('\n');
  expect(mountPointsBelow(table, '/data')).toEqual(['/data/a/with blank', '/data/a']);
});
