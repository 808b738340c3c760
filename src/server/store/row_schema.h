// Which column of which table holds which member of which row: one list for each kind of row, which the binder, the
// reader and the list of columns walk alike. Sealed members come last, because what they are bound to has to be known
// before they are opened. No SQL, no I/O.
//
// A walker F takes f(column, member); f.reference(column, id) for a foreign key, empty = NULL; f.sealed(column,
// member); f.json(column, list); f.generated(column, number) for what the database gives.
#pragma once

#include <string>
#include <string_view>

#include "server/domain/store.h"
#include "server/store/field_text.h"
#include "server/store/key_ring.h"

namespace tollgate::store {

// Every Schema: kTable, kOrdinal (the column that keeps the order of insertion; empty: none), fields(f, row) and, where
// something is sealed, bind(context, row): what the sealed members belong to beyond table, column and row.
template <class Row>
struct Schema;

}  // namespace tollgate::store
