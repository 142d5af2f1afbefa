"""Jobs 任务: long work of a node, persisted, leased to one worker at a time, resumed 断点续跑 where it broke off.

    submit → queued → [worker: take, beat, beat, …] → done | failed | cancelled
                          └ pipe ┐
                       child process: handler(context) → progress, checkpoint, result

Web processes use `store.py`, the one worker beside them `worker.py`; a handler knows only `context.py`.
"""
