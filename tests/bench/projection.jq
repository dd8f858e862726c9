# The projection benchmark's job, for jq -c.
select(.total > 50) | {customer: .customer.id, id, name: .customer.name, total, type}
