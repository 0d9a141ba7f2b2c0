// The JDBC drivers of PostgreSQL and MariaDB: server-side prepared statements, batches, fetch sizes, errors, transactions.
// Arguments: number of repetitions, then JDBC URLs (with user and password in the environment): the first that works.

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

public class Jdbc {
  public static void main(String[] arguments) throws SQLException {
    int count = Integer.parseInt(arguments[0]);
    try (Connection connection = connect(arguments, 1)) {
      run(connection, count);
    }
  }

  private static Connection connect(String[] urls, int at) throws SQLException {
    try {
      return DriverManager.getConnection(urls[at], System.getenv("LAB_USER"), System.getenv("LAB_PASSWORD"));
    } catch (SQLException refused) {
      if (at + 1 == urls.length) throw refused;
      return connect(urls, at + 1);
    }
  }

  private static void run(Connection connection, int count) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("create temporary table people (id int, name varchar(80), score double precision, amount decimal(12, 3))");
    }
    connection.setAutoCommit(false);
    try (PreparedStatement insert = connection.prepareStatement("insert into people values (?, ?, ?, ?)")) {
      for (int number = 0; number < count; number++) {
        fill(insert, number);
        insert.executeUpdate();
      }
      for (int number = 0; number < count; number++) {
        fill(insert, count + number);
        insert.addBatch();
      }
      insert.executeBatch();
    }
    connection.commit();
    try (PreparedStatement select = connection.prepareStatement("select id, name from people where id < ? order by id")) {
      select.setFetchSize(5);
      for (int number = 0; number < count; number++) {
        select.setInt(1, number);
        try (ResultSet rows = select.executeQuery()) {
          while (rows.next()) rows.getString(2);
        }
      }
    }
    connection.commit();
    try (Statement statement = connection.createStatement()) {
      statement.executeQuery("select * from no_such_table");
    } catch (SQLException expected) {
      connection.rollback();
    }
    try (PreparedStatement wrong = connection.prepareStatement("insert into no_such_table values (?)")) {
      wrong.setInt(1, 1);
      wrong.executeUpdate();
    } catch (SQLException expected) {
      connection.rollback();
    }
    try (Statement statement = connection.createStatement()) {
      statement.executeQuery("select 'after the error'").close();
    }
    connection.commit();
  }

  private static void fill(PreparedStatement insert, int number) throws SQLException {
    insert.setInt(1, number);
    insert.setString(2, number % 5 == 0 ? null : "O'Brien \\ " + number);
    insert.setDouble(3, number / 4.0);
    insert.setBigDecimal(4, new BigDecimal("12345.678").add(BigDecimal.valueOf(number)));
  }
}
