import { token } from '@keelson/core';
import type { ApiHandler as ApiHandlerContract } from '../registry/contract.ts';
import type { Storage as StorageContract } from '../storage/contract.ts';

export type ApiHandler = ApiHandlerContract;
/** The API behind every face, for what runs in the same process. */
export const ApiHandler = token<ApiHandlerContract>('ApiHandler');

export type Storage = StorageContract;
/** Where the API server keeps the cluster; provide it to replace the embedded store. */
export const Storage = token<StorageContract>('Storage');
