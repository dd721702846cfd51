BEGIN TRANSACTION;
CREATE TABLE completion (
  ticket TEXT PRIMARY KEY REFERENCES ticket, at TEXT NOT NULL, signatures TEXT NOT NULL, name TEXT NOT NULL,
  sha256 TEXT NOT NULL);
INSERT INTO "completion" VALUES('ticket-1','2026-03-02T09:30:00+00:00','signatures','3.xml.p7s','3-approval');
CREATE TABLE document (
  id INTEGER PRIMARY KEY, authority TEXT NOT NULL, decision TEXT NOT NULL, number TEXT NOT NULL, digest TEXT NOT NULL,
  token BLOB NOT NULL UNIQUE, code TEXT NOT NULL, salt BLOB NOT NULL, reserved_at TEXT NOT NULL, data TEXT NOT NULL,
  UNIQUE (authority, decision), UNIQUE (authority, number));
INSERT INTO "document" VALUES(1,'990440001234','d-1','2026-000001','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd',X'010101010101010101010101','CODE-1',X'73737373737373737373737373737373','2026-03-02T09:31:00+00:00','{"number": "2026-000001", "key": "quota_kandas_refusal", "form": "o20-a05", "day": "2026-03-02", "authority": {"bin": "990440001234"}, "fields": {"full_name": "Қалиева Әсел Нұрланқызы", "iin": "900101400013", "family": [{"full_name": "Қалиев Нұрлан", "iin": "650101300019"}]}}');
INSERT INTO "document" VALUES(2,'990440001234','d-2','2026-000002','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd',X'020202020202020202020202','CODE-2',X'73737373737373737373737373737373','2026-03-02T09:32:00+00:00','{"number": "2026-000002", "key": "quota_kandas_refusal", "form": "o20-a05", "day": "2026-03-02", "authority": {"bin": "990440001234"}, "fields": {"full_name": "Қалиева Әсел Нұрланқызы", "iin": "900101400013", "family": [{"full_name": "Қалиев Нұрлан", "iin": "650101300019"}]}}');
INSERT INTO "document" VALUES(3,'990440001234','d-3','2026-000003','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd',X'030303030303030303030303','CODE-3',X'73737373737373737373737373737373','2026-03-02T09:33:00+00:00','{"number": "2026-000003", "key": "quota_kandas_refusal", "form": "o20-a05", "day": "2026-03-02", "authority": {"bin": "990440001234"}, "fields": {"full_name": "Қалиева Әсел Нұрланқызы", "iin": "900101400013", "family": [{"full_name": "Қалиев Нұрлан", "iin": "650101300019"}]}}');
INSERT INTO "document" VALUES(4,'990140000017','d-1','2026-000001','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd',X'040404040404040404040404','CODE-4',X'73737373737373737373737373737373','2026-03-02T09:30:00+00:00','{"number": "2026-000001", "key": "quota_kandas_refusal", "form": "o20-a05", "day": "2026-03-02", "authority": {"bin": "990440001234"}, "fields": {"full_name": "Омаров Асқар", "iin": "800101300016", "family": [{"full_name": "Қалиев Нұрлан", "iin": "650101300019"}]}}');
CREATE TABLE entry (
  id INTEGER PRIMARY KEY AUTOINCREMENT, document INTEGER NOT NULL REFERENCES document, kind TEXT NOT NULL,
  at TEXT NOT NULL, reason TEXT NOT NULL, other TEXT NOT NULL);
INSERT INTO "entry" VALUES(1,1,'active','2026-03-02T10:30:00+00:00','','');
INSERT INTO "entry" VALUES(2,2,'active','2026-03-02T10:30:00+00:00','','');
INSERT INTO "entry" VALUES(3,4,'active','2026-03-02T09:30:00+00:00','','');
INSERT INTO "entry" VALUES(4,2,'annulled','2026-03-03T09:30:00+00:00','қате шешім','');
CREATE TABLE file (
  document INTEGER NOT NULL REFERENCES document, role TEXT NOT NULL, language TEXT NOT NULL, name TEXT NOT NULL,
  sha256 TEXT NOT NULL, page TEXT NOT NULL, engine TEXT NOT NULL, PRIMARY KEY (document, role, language));
INSERT INTO "file" VALUES(1,'page','ru','d1.ru.pdf','d1-ru','page','{}');
INSERT INTO "file" VALUES(1,'page','kk','d1.kk.pdf','d1-kk','page','{}');
INSERT INTO "file" VALUES(1,'data','','d1.xml','d1-xml','','');
INSERT INTO "file" VALUES(1,'cms','','d1.p7s','d1-cms','','');
INSERT INTO "file" VALUES(1,'mark','','d1.txt','d1-mark','','');
INSERT INTO "file" VALUES(2,'page','ru','d2.ru.pdf','d2-ru','page','{}');
INSERT INTO "file" VALUES(2,'page','kk','d2.kk.pdf','d2-kk','page','{}');
INSERT INTO "file" VALUES(2,'data','','d2.xml','d2-xml','','');
INSERT INTO "file" VALUES(2,'cms','','d2.p7s','d2-cms','','');
INSERT INTO "file" VALUES(2,'mark','','d2.txt','d2-mark','','');
INSERT INTO "file" VALUES(4,'page','ru','o1.ru.pdf','o1-ru','page','{}');
INSERT INTO "file" VALUES(4,'page','kk','o1.kk.pdf','o1-kk','page','{}');
INSERT INTO "file" VALUES(4,'data','','o1.xml','o1-xml','','');
INSERT INTO "file" VALUES(4,'cms','','o1.p7s','o1-cms','','');
INSERT INTO "file" VALUES(4,'mark','','o1.txt','o1-mark','','');
CREATE TABLE handed_out (
  ticket TEXT NOT NULL REFERENCES ticket, role TEXT NOT NULL, language TEXT NOT NULL, name TEXT NOT NULL,
  sha256 TEXT NOT NULL, page TEXT NOT NULL, engine TEXT NOT NULL, PRIMARY KEY (ticket, role, language));
INSERT INTO "handed_out" VALUES('ticket-1','page','kk','3.kk.pdf','3-kk','page','{}');
INSERT INTO "handed_out" VALUES('ticket-1','data','','3.xml','3-xml','','');
INSERT INTO "handed_out" VALUES('ticket-2','data','','3.xml','3-xml','','');
CREATE TABLE renewal (
  id INTEGER PRIMARY KEY AUTOINCREMENT, document INTEGER NOT NULL REFERENCES document, role TEXT NOT NULL,
  language TEXT NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL, page TEXT NOT NULL, engine TEXT NOT NULL,
  at TEXT NOT NULL);
INSERT INTO "renewal" VALUES(1,1,'page','ru','d1.ru.pdf','d1-ru-again','page','{}','2027-04-06T09:30:00+00:00');
CREATE TABLE sequence (
  authority TEXT NOT NULL, year INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (authority, year));
INSERT INTO "sequence" VALUES('990440001234',2026,3);
INSERT INTO "sequence" VALUES('990140000017',2026,1);
CREATE TABLE ticket (
  id TEXT PRIMARY KEY, document INTEGER NOT NULL REFERENCES document, signer TEXT NOT NULL, made_at TEXT NOT NULL,
  expires_at TEXT NOT NULL);
INSERT INTO "ticket" VALUES('ticket-1',3,'official','2026-03-02T09:30:00+00:00','2026-03-02T10:30:00+00:00');
INSERT INTO "ticket" VALUES('ticket-2',3,'head','2026-03-02T11:30:00+00:00','2026-03-02T12:30:00+00:00');
CREATE INDEX document_number ON document (number);
CREATE UNIQUE INDEX document_code ON document (code);
CREATE INDEX file_sha256 ON file (sha256);
CREATE UNIQUE INDEX issued_once ON entry (document) WHERE kind = 'active';
CREATE INDEX entry_document ON entry (document);
CREATE INDEX ticket_document ON ticket (document);
CREATE INDEX renewal_document ON renewal (document);
CREATE INDEX renewal_sha256 ON renewal (sha256);
CREATE TRIGGER document_no_update BEFORE UPDATE ON document  BEGIN SELECT RAISE(ABORT, 'the register only grows'); END;
CREATE TRIGGER document_no_delete BEFORE DELETE ON document  BEGIN SELECT RAISE(ABORT, 'the register only grows'); END;
CREATE TRIGGER document_no_insert BEFORE INSERT ON document WHEN EXISTS (SELECT 1 FROM document WHERE (id = NEW.id) OR (token = NEW.token) OR (code = NEW.code) OR (authority = NEW.authority AND decision = NEW.decision) OR (authority = NEW.authority AND number = NEW.number)) BEGIN SELECT RAISE(ABORT, 'the register only grows'); END;
CREATE TRIGGER file_no_update BEFORE UPDATE ON file  BEGIN SELECT RAISE(ABORT, 'the register only grows'); END;
CREATE TRIGGER file_no_delete BEFORE DELETE ON file  BEGIN SELECT RAISE(ABORT, 'the register only grows'); END;
CREATE TRIGGER file_no_insert BEFORE INSERT ON file WHEN EXISTS (SELECT 1 FROM file WHERE (document = NEW.document AND role = NEW.role AND language = NEW.language) OR (rowid = NEW.rowid)) BEGIN SELECT RAISE(ABORT, 'the register only grows'); END;
CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry  BEGIN SELECT RAISE(ABORT, 'the register only grows'); END;
CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry  BEGIN SELECT RAISE(ABORT, 'the register only grows'); END;
CREATE TRIGGER entry_no_insert BEFORE INSERT ON entry WHEN EXISTS (SELECT 1 FROM entry WHERE (id = NEW.id) OR (document = NEW.document AND kind = NEW.kind)) BEGIN SELECT RAISE(ABORT, 'the register only grows'); END;
CREATE TRIGGER ticket_no_update BEFORE UPDATE ON ticket  BEGIN SELECT RAISE(ABORT, 'the register only grows'); END;
CREATE TRIGGER ticket_no_delete BEFORE DELETE ON ticket  BEGIN SELECT RAISE(ABORT, 'the register only grows'); END;
CREATE TRIGGER ticket_no_insert BEFORE INSERT ON ticket WHEN EXISTS (SELECT 1 FROM ticket WHERE (id = NEW.id) OR (rowid = NEW.rowid)) BEGIN SELECT RAISE(ABORT, 'the register only grows'); END;
CREATE TRIGGER handed_out_no_update BEFORE UPDATE ON handed_out  BEGIN SELECT RAISE(ABORT, 'the register only grows'); END;
CREATE TRIGGER handed_out_no_delete BEFORE DELETE ON handed_out  BEGIN SELECT RAISE(ABORT, 'the register only grows'); END;
CREATE TRIGGER handed_out_no_insert BEFORE INSERT ON handed_out WHEN EXISTS (SELECT 1 FROM handed_out WHERE (ticket = NEW.ticket AND role = NEW.role AND language = NEW.language) OR (rowid = NEW.rowid)) BEGIN SELECT RAISE(ABORT, 'the register only grows'); END;
CREATE TRIGGER completion_no_update BEFORE UPDATE ON completion  BEGIN SELECT RAISE(ABORT, 'the register only grows'); END;
CREATE TRIGGER completion_no_delete BEFORE DELETE ON completion  BEGIN SELECT RAISE(ABORT, 'the register only grows'); END;
CREATE TRIGGER completion_no_insert BEFORE INSERT ON completion WHEN EXISTS (SELECT 1 FROM completion WHERE (ticket = NEW.ticket) OR (rowid = NEW.rowid)) BEGIN SELECT RAISE(ABORT, 'the register only grows'); END;
CREATE TRIGGER renewal_no_update BEFORE UPDATE ON renewal  BEGIN SELECT RAISE(ABORT, 'the register only grows'); END;
CREATE TRIGGER renewal_no_delete BEFORE DELETE ON renewal  BEGIN SELECT RAISE(ABORT, 'the register only grows'); END;
CREATE TRIGGER renewal_no_insert BEFORE INSERT ON renewal WHEN EXISTS (SELECT 1 FROM renewal WHERE (id = NEW.id)) BEGIN SELECT RAISE(ABORT, 'the register only grows'); END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('entry',4);
INSERT INTO "sqlite_sequence" VALUES('renewal',1);
COMMIT;
