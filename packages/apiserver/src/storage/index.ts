export {
  CompactedError,
  FutureRevisionError,
  KeyExistsError,
  type ListOptions,
  type ListResult,
  type Revision,
  RevisionMismatchError,
  SlowWatcherError,
  type Storage,
  StorageClosedError,
  StorageError,
  type StorageEvent,
  StorageFailedError,
  StorageOpenError,
  type StoredEntry,
} from './contract.ts';
export type { HistoryOptions } from './history-policy.ts';
export { LogStorage, type LogStorageOptions, openLogStorage } from './log-storage.ts';
export { MemoryStorage, type MemoryStorageOptions } from './memory-storage.ts';
