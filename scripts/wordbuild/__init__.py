"""From the wording of a form to its Word template: `symbols` leaves the Jinja standing, `layout` sets the page."""
