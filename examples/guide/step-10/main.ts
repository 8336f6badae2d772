import { runOperator } from '@keelson/core';
import operator from './operator.ts';

await runOperator(operator, { leaderElection: true, health: ':8081', metrics: ':8080' });
