export { type Latest, RevisionHistory } from './revision-history.ts';
export { hashOf, inOrder, keepsTemplate, type RevisionKind, surplusRevisions, templateOf } from './revisions.ts';
